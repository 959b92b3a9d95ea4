#Two channels, sequences of different lengths, labels in both cases
@problemName Unequal
@timeStamps false
@missing false
@univariate false
@dimension 2
@equalLength false
@classLabel true Walk run
@data
1.5,2.5,-3e-2:0,1,2:Walk
4:5:run
 0.1 , 0.2 : 7 , 8 :run
