// Command probe answers one question from inside a pod network and prints one line of JSON.
//
//	probe dns NAME
//	probe tcp HOST PORT
//	probe http METHOD URL [--header-stdin] [--body-stdin]
//	probe sql            (connection URL on standard input, never in the argument list)
//	probe sleep          (a pod's main process; ends at SIGTERM)
//	probe relay PORT     (another: connects whoever asks on the pod's loopback by CONNECT)
//	probe host PROGRAM…  (becomes a program of the node, from a privileged pod)
//
// All but sleep, relay and host take --timeout=DURATION (default 5s). The exit code is 0 whenever the
// question was answered, also when the answer is that nothing is there; 2 for wrong use.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: probe dns NAME | tcp HOST PORT | http METHOD URL [--header-stdin] [--body-stdin] | sql | sleep | relay PORT | host PROGRAM…
       [--timeout=5s]`

// answer is what every probe prints: whether it worked, and if not, of which kind the error is.
type answer struct {
	OK      bool    `json:"ok"`
	Error   string  `json:"error,omitempty"`
	Message string  `json:"message,omitempty"`
	Seconds float64 `json:"seconds"`
}

var errUsage = errors.New(usage)

func main() {
	words, flags, timeout, err := parse(os.Args[1:])
	if len(os.Args) > 2 && os.Args[1] == "host" {
		words, err = os.Args[1:], nil // its options are the program's
	}
	if err == nil {
		err = run(words, flags, timeout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(words []string, flags map[string]bool, timeout time.Duration) error {
	if len(words) == 0 {
		return errUsage
	}
	name, args := words[0], words[1:]
	if name == "sleep" && len(args) == 0 {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
		<-stop
		return nil
	}
	if name == "host" && len(args) > 0 {
		return host(args)
	}
	if name == "relay" && len(args) == 1 {
		return relay(args[0])
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	switch {
	case name == "dns" && len(args) == 1:
		return printed(lookup(ctx, args[0]))
	case name == "tcp" && len(args) == 2:
		return printed(dial(ctx, args[0], args[1]))
	case name == "http" && len(args) == 2:
		return printed(request(ctx, args[0], args[1], flags["header-stdin"], flags["body-stdin"]))
	case name == "sql" && len(args) == 0:
		return printed(query(ctx))
	}
	return errUsage
}

func parse(args []string) (words []string, flags map[string]bool, timeout time.Duration, err error) {
	flags, timeout = map[string]bool{}, 5*time.Second
	for _, arg := range args {
		if !strings.HasPrefix(arg, "--") {
			words = append(words, arg)
			continue
		}
		flag := strings.TrimPrefix(arg, "--")
		if value, found := strings.CutPrefix(flag, "timeout="); found {
			if timeout, err = time.ParseDuration(value); err != nil {
				return nil, nil, 0, err
			}
			continue
		}
		if flag != "header-stdin" && flag != "body-stdin" {
			return nil, nil, 0, errUsage
		}
		flags[flag] = true
	}
	return words, flags, timeout, nil
}

func printed(result any, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
