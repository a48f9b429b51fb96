package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

const bodyLimit = 64 << 10

type httpAnswer struct {
	answer
	Status    int                 `json:"status,omitempty"`
	Headers   map[string][]string `json:"headers,omitempty"`
	Body      string              `json:"body"`
	Base64    bool                `json:"base64,omitempty"`
	Truncated bool                `json:"truncated,omitempty"`
	// FirstByte is in seconds, until the status line had come.
	FirstByte float64 `json:"first_byte,omitempty"`
}

// request sends one HTTP request. Redirects are shown, not followed. Headers come first on
// standard input, as in a message: one a line, an empty line, then the body.
func request(ctx context.Context, method, url string, headers, body bool) (httpAnswer, error) {
	input := bufio.NewReader(os.Stdin)
	given := textproto.MIMEHeader{}
	if headers {
		var err error
		if given, err = textproto.NewReader(input).ReadMIMEHeader(); err != nil && !errors.Is(err, io.EOF) {
			return httpAnswer{}, err
		}
	}
	var content io.Reader
	if body {
		text, err := io.ReadAll(input)
		if err != nil {
			return httpAnswer{}, err
		}
		content = strings.NewReader(string(text))
	}
	asked, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return httpAnswer{}, err
	}
	for name, values := range given {
		asked.Header[name] = values
		if name == "Host" {
			asked.Host = values[0]
		}
	}
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:       (&net.Dialer{Resolver: resolver}).DialContext,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	started := time.Now()
	got, err := client.Do(asked)
	if err != nil {
		return httpAnswer{answer: outcome(started, err, netKind)}, nil
	}
	defer got.Body.Close()
	result := httpAnswer{Status: got.StatusCode, Headers: got.Header, FirstByte: time.Since(started).Seconds()}
	text, err := io.ReadAll(io.LimitReader(got.Body, bodyLimit+1))
	result.answer = outcome(started, err, netKind)
	if result.Truncated = len(text) > bodyLimit; result.Truncated {
		text = text[:bodyLimit]
	}
	if result.Body = string(text); !utf8.Valid(text) {
		result.Body, result.Base64 = base64.StdEncoding.EncodeToString(text), true
	}
	return result, nil
}

func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
	)
	return errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify) ||
		errors.As(err, &authority) || errors.As(err, &hostname) ||
		strings.Contains(err.Error(), "HTTP response to HTTPS client")
}
