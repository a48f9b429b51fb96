package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const dialTimeout = 10 * time.Second

// relay connects whoever asks for it by HTTP's CONNECT, so that one at the end of a
// port-forward reaches Services as pods do: by name, through the Service, at each connection
// anew. It listens on the pod's loopback only: no other pod can use it.
func relay(port string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(connect), ReadHeaderTimeout: dialTimeout}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func connect(writer http.ResponseWriter, asked *http.Request) {
	if asked.Method != http.MethodConnect {
		http.Error(writer, "only CONNECT is understood", http.StatusMethodNotAllowed)
		return
	}
	dialer := net.Dialer{Resolver: resolver, Timeout: dialTimeout}
	there, err := dialer.DialContext(asked.Context(), "tcp", asked.Host)
	if err != nil {
		http.Error(writer, fmt.Sprintf("%s: %v", netKind(err), err), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := writer.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connected\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Add(2)
	go pass(&both, there, buffered)
	go pass(&both, here, there)
	both.Wait()
}

// pass copies until the sender has said all, and tells the receiver so.
func pass(both *sync.WaitGroup, to io.Writer, from io.Reader) {
	defer both.Done()
	_, err := io.Copy(to, from)
	if half, can := to.(interface{ CloseWrite() error }); can && err == nil {
		half.CloseWrite()
		return
	}
	if whole, can := to.(io.Closer); can {
		whole.Close()
	}
}
