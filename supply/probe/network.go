package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sort"
	"strings"
	"syscall"
	"time"
)

// The resolver is Go's own, which follows search and ndots of resolv.conf as libc does.
var resolver = &net.Resolver{PreferGo: true}

type dnsAnswer struct {
	answer
	Addresses []string `json:"addresses"`
}

func lookup(ctx context.Context, name string) (dnsAnswer, error) {
	started := time.Now()
	found, err := resolver.LookupHost(ctx, name)
	sort.Strings(found)
	if found == nil {
		found = []string{}
	}
	return dnsAnswer{outcome(started, err, dnsKind), found}, nil
}

type tcpAnswer struct {
	answer
	Address string `json:"address,omitempty"`
}

func dial(ctx context.Context, host, port string) (tcpAnswer, error) {
	started := time.Now()
	dialer := net.Dialer{Resolver: resolver}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	result := tcpAnswer{answer: outcome(started, err, netKind)}
	if err == nil {
		result.Address = conn.RemoteAddr().String()
		conn.Close()
	}
	return result, nil
}

func outcome(started time.Time, err error, kind func(error) string) answer {
	result := answer{OK: err == nil, Seconds: time.Since(started).Seconds()}
	if err != nil {
		result.Error, result.Message = kind(err), err.Error()
	}
	return result
}

// dnsKind names what went wrong while a name was looked up.
func dnsKind(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "nxdomain"
	case isTimeout(err):
		return "timeout"
	case errors.As(err, &dns) && strings.Contains(dns.Err, "misbehaving"):
		return "servfail"
	}
	return "other"
}

// netKind names what went wrong on the way to a host.
func netKind(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case isTLS(err):
		return "tls"
	case isTimeout(err):
		return "timeout"
	}
	return "other"
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}
