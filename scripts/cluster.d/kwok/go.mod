module binderathome/cluster/kwok

go 1.24.0

require (
	github.com/spf13/pflag v1.0.6
	sigs.k8s.io/kwok v0.7.0
)
