package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/penjire/penjire/firmware/settings"
)

// control is where the running kiosk answers, as the command line has it.
type control struct{ socket, from *string }

// controlFlags are the two flags of every command that asks the running kiosk.
func controlFlags(fs *flag.FlagSet) control {
	return control{
		from:   fs.String("settings", "/etc/penjire/settings.json", "the kiosk's settings `file`, for its socket"),
		socket: fs.String("socket", "", "`path` of the kiosk's control socket"),
	}
}

// where returns the socket: what --socket says, or else what the settings say. False:
// stderr says why it is not known.
func (c control) where(stderr io.Writer) (string, bool) {
	if *c.socket != "" {
		return *c.socket, true
	}
	s, err := settings.Load(*c.from)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: where the kiosk answers is not known: %v\nhint: --socket names its control socket\n", err)
		return "", false
	}
	return s.Control, true
}

// errNoKiosk is of a socket that nobody answers at.
var errNoKiosk = errors.New("no kiosk answers")

// noKiosk says that, with whatever words the command has for it.
func noKiosk(stderr io.Writer, socket string, err error) int {
	_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: the running kiosk does this; is penjired running, and may you read %s?\n", err, socket)
	return blind
}

// clientAt asks whoever listens at the socket, whatever host an address names.
func clientAt(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

// askAt asks whoever listens at the socket, and hands on the body of a good answer.
func askAt(ctx context.Context, method, socket, path string, read func(io.Reader) error) error {
	c := clientAt(socket)
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, "http://kiosk"+path, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoKiosk, err)
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end, or the kiosk has gone
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", res.Status)
	}
	return read(res.Body)
}

// askUpTo asks the kiosk for something that may take that long and have that many bytes.
func askUpTo(ctx context.Context, method, socket, path string, limit time.Duration, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var b bytes.Buffer
	err := askAt(ctx, method, socket, path, func(r io.Reader) error {
		_, err := io.Copy(&b, io.LimitReader(r, most))
		return err
	})
	return b.Bytes(), err
}

func ask(ctx context.Context, socket, path string) ([]byte, error) {
	return askUpTo(ctx, http.MethodGet, socket, path, 10*time.Second, 1<<20)
}

// askJSON asks the kiosk one thing that takes a moment, and reads its answer into v.
func askJSON(ctx context.Context, method, socket, path string, limit time.Duration, v any) ([]byte, error) {
	raw, err := askUpTo(ctx, method, socket, path, limit, 1<<20)
	if err == nil {
		if err = json.Unmarshal(raw, v); err != nil {
			err = fmt.Errorf("what the kiosk says cannot be read: %w", err)
		}
	}
	return raw, err
}

// postLines posts to the kiosk and hands on each line of its answer as it comes.
func postLines(ctx context.Context, socket, path string, tell func([]byte) error) error {
	return askAt(ctx, http.MethodPost, socket, path, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if err := tell(lines.Bytes()); err != nil {
				return err
			}
		}
		return lines.Err()
	})
}
