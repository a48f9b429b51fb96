module deploy-harness/runtime

go 1.21
