package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type sqlAnswer struct {
	answer
	ServerVersion string `json:"server_version,omitempty"`
	Database      string `json:"database,omitempty"`
	User          string `json:"user,omitempty"`
	// TLS is what this end of the connection sees; ServerTLS what the server's pg_stat_ssl
	// says, which is false behind a proxy that ends TLS itself.
	TLS        bool   `json:"tls"`
	TLSVersion string `json:"tls_version,omitempty"`
	TLSCipher  string `json:"tls_cipher,omitempty"`
	ServerTLS  bool   `json:"server_tls"`
	// Latency is in seconds, of one small query on the open connection.
	Latency float64 `json:"latency,omitempty"`
	Code    string  `json:"code,omitempty"`
}

func query(ctx context.Context) (sqlAnswer, error) {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return sqlAnswer{}, err
	}
	config, err := pgx.ParseConfig(strings.TrimSpace(string(text)))
	if err != nil {
		return sqlAnswer{}, errors.New("the connection URL on standard input cannot be read")
	}
	config.LookupFunc = resolver.LookupHost
	// A pooler that shares connections between transactions loses prepared statements.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	started := time.Now()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return failed(started, err), nil
	}
	defer conn.Close(context.WithoutCancel(ctx))
	result := sqlAnswer{}
	asked := time.Now()
	const question = `select current_setting('server_version'), current_database(), current_user,
		coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)`
	err = conn.QueryRow(ctx, question).Scan(&result.ServerVersion, &result.Database, &result.User, &result.ServerTLS)
	if err != nil {
		return failed(started, err), nil
	}
	result.Latency = time.Since(asked).Seconds()
	if secure, is := conn.PgConn().Conn().(*tls.Conn); is {
		state := secure.ConnectionState()
		result.TLS, result.TLSVersion = true, tls.VersionName(state.Version)
		result.TLSCipher = tls.CipherSuiteName(state.CipherSuite)
	}
	result.answer = outcome(started, nil, sqlKind)
	return result, nil
}

func failed(started time.Time, err error) sqlAnswer {
	result := sqlAnswer{answer: outcome(started, err, sqlKind)}
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		result.Code = refusal.Code
	}
	return result
}

// sqlKind names what went wrong on the way to a database that answers.
func sqlKind(err error) string {
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		switch {
		case strings.Contains(refusal.Message, "no encryption"), strings.Contains(refusal.Message, "SSL off"),
			strings.Contains(refusal.Message, "SSL required"), // PgBouncer
			strings.Contains(strings.ToLower(refusal.Message), "insecure"):
			return "tls"
		case strings.HasPrefix(refusal.Code, "28"):
			return "auth"
		case refusal.Code == "3D000":
			return "database"
		case refusal.Code == "57P03":
			return "starting"
		case strings.HasPrefix(refusal.Code, "53"):
			return "busy"
		}
		return "server"
	}
	if kind := netKind(err); kind != "other" {
		return kind
	}
	if strings.Contains(err.Error(), "refused TLS") || strings.Contains(err.Error(), "tls error") {
		return "tls"
	}
	return "other"
}
