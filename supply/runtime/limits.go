package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The kernel's capabilities by number (include/uapi/linux/capability.h).
var names = []string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
	"IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
	"SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
	"LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
	"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
}

const sysResource = 24

// limits is what this process may hand on.
type limits struct {
	bounding uint64 // bit mask of capabilities
	oomScore int64
}

// reduced says whether a privileged container would ask for more than there is.
func (l limits) reduced() bool {
	for number := range names {
		if l.bounding&(1<<number) == 0 {
			return true
		}
	}
	return false
}

func (l limits) allows(capability string) bool {
	for number, name := range names {
		if capability == "CAP_"+name {
			return l.bounding&(1<<number) != 0
		}
	}
	return false // newer than this table: the kernel's word is not known, so leave it out
}

// mayLowerScore says whether an out-of-memory score below the own one can be set.
func (l limits) mayLowerScore() bool {
	return l.bounding&(1<<sysResource) != 0
}

// ownLimits reads them from a folder like /proc/self.
func ownLimits(proc string) (limits, error) {
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return limits{}, err
	}
	own := limits{}
	found := false
	for _, line := range strings.Split(string(status), "\n") {
		if value, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			own.bounding, err = strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			found = true
		}
	}
	if err != nil || !found {
		return limits{}, fmt.Errorf("no capability bounding set in %s/status", proc)
	}
	score, err := os.ReadFile(filepath.Join(proc, "oom_score_adj"))
	if err != nil {
		return limits{}, err
	}
	own.oomScore, err = strconv.ParseInt(strings.TrimSpace(string(score)), 10, 64)
	return own, err
}
