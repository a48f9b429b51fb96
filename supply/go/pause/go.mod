// The process that holds the namespaces of a pod.
module deploy-supply/pause

go 1.23.0
