package main

import (
	"os"
	"os/exec"
	"syscall"
)

// host becomes a program of the node itself, in the node's own files. The pod has to share the
// node's processes and to be privileged.
func host(argv []string) error {
	if err := syscall.Chroot("/proc/1/root"); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(program, argv, os.Environ())
}
