%a comment as Weka has it
@problemName Equal
@timeStamps false
@univariate true
@equalLength true
@seriesLength 4
@classLabel true 1 2
@data
0,1,2,3:1
-1.25,1e3,2,0.333333333333333314829616256247:2
