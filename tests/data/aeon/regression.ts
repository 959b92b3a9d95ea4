@problemName Regression
@univariate false
@dimension 3
@equalLength true
@targetlabel true
@data
1,2:3,4:5,6:0.25
6,5:4,3:2,1:-12
