// Command runtime is an OCI runtime that hands over to the real one.
//
// Where the capability bounding set of a machine is reduced, an engine still asks for
// all capabilities when a container is privileged, and a kubelet asks for out-of-memory
// scores below its own; both make the real runtime fail. This wrapper edits the process
// description before it replaces itself by the real runtime: capabilities are cut to
// its own bounding set, and the score is raised to its own. It never grants anything
// that was not asked for, and every other call passes through as it is.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Where the real runtime is looked for, unless DEPLOY_REAL_RUNTIME names it.
const folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runtime wrapper:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	real, err := realRuntime(folders)
	if err != nil {
		return err
	}
	limits, err := ownLimits("/proc/self")
	if err != nil {
		return err
	}
	if file := description(args); file != "" && limits.reduced() {
		if err := adapt(file, limits); err != nil {
			return err
		}
	}
	return syscall.Exec(real, append([]string{real}, args...), os.Environ())
}

// description names the file that a call reads the new process from: the bundle's
// config.json for a container, the file after --process for an exec, none otherwise.
func description(args []string) string {
	command, bundle, process := "", ".", ""
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		switch name {
		case "create", "run", "restore", "exec":
			command = name
		case "start", "kill", "delete", "state", "ps", "pause", "resume", "update", "events",
			"checkpoint", "list", "features", "spec":
			return "" // decided here, since what follows may be a container named "run"
		case "--bundle", "-b", "--process", "-p":
			if !joined && i+1 < len(args) {
				i++
				value = args[i]
			}
			if name == "--bundle" || name == "-b" {
				bundle = value
			} else {
				process = value
			}
		}
	}
	switch command {
	case "":
		return ""
	case "exec":
		return process
	default:
		return filepath.Join(bundle, "config.json")
	}
}

// realRuntime is the first runc that is not this program itself.
func realRuntime(path string) (string, error) {
	if named := os.Getenv("DEPLOY_REAL_RUNTIME"); named != "" {
		return named, nil
	}
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return "", err
	}
	for _, folder := range filepath.SplitList(path) {
		candidate := filepath.Join(folder, "runc")
		found, err := os.Stat(candidate)
		if err == nil && found.Mode().IsRegular() && !os.SameFile(self, found) {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("no runc in %s; DEPLOY_REAL_RUNTIME can name one", path)
}
