// Package bench brings up the whole product on one machine: portal, kiosk,
// emulated devices at the far ends of pseudo-terminals, a network between them
// that can be cut, and a page from which to play with all of it. Everything the
// page does is a JSON API too (see api.go), so that a script can play.
//
// The devices live in the bench's own process; portal and kiosk are the
// programs that ship, as child processes.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/demo/wan"
)

// Options say what to bring up. Zero values are the defaults.
type Options struct {
	Addr   string    // of the bench's page; "": 127.0.0.1:8080. Loopback only
	Dir    string    // the world's folder; "": .run
	Packs  string    // folder of further service packs; "": none
	Bin    string    // folder with portald and penjired; "": that of the program running
	Speed  float64   // of the printer, mm per second; 0: 60. Negative: at once
	Out    io.Writer // what people read; nil: nothing
	Ready  func(url string)
	Portal []string // further arguments of portald
	Kiosk  []string // further arguments of penjired
}

// Bench is a running bench.
type Bench struct {
	o       Options
	world   *demo.World
	hands   *hands
	relay   *wan.Relay
	portal  *process
	kiosk   *process
	control *http.Client

	screen, public      string // host:port
	portalLog, kioskLog *tail
	watch               link.Watch // something changed: live views look again
	hub                 hub
}

// Run brings everything up, serves until ctx ends, and takes everything down
// again: no process and no port stays behind.
func Run(ctx context.Context, o Options) error {
	o.Addr, o.Dir = cmp.Or(o.Addr, "127.0.0.1:8080"), cmp.Or(o.Dir, ".run")
	o.Speed = cmp.Or(o.Speed, 60)
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Bin == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("bench: find my own folder: %w", err)
		}
		o.Bin = filepath.Dir(self)
	}
	if err := loopback(o.Addr); err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("bench: %w (is another bench running? ADDR=127.0.0.1:PORT chooses another address)", err)
	}
	defer l.Close()
	world, err := lock(o.Dir)
	if err != nil {
		return err
	}
	defer world.Close()
	b := &Bench{o: o}
	if err := b.lay(l.Addr().String()); err != nil {
		return err
	}
	defer b.clear()
	return b.serve(ctx, l)
}

// loopback refuses addresses that others could reach: the bench gives anyone
// the keys of its world.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("bench: address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("bench: address: got %q, want one on loopback: a bench protects nothing", addr)
	}
	return nil
}

// lay prepares everything that is not a process.
func (b *Bench) lay(own string) (err error) {
	if b.world, err = demo.Open(b.o.Dir, time.Now()); err != nil {
		return err
	}
	if age := time.Since(b.world.Made); age > demo.Stale {
		_, _ = fmt.Fprintf(b.o.Out, "This world is %d days old: its revocation lists are out of date. `make clean` makes place for a new one.\n", int(age.Hours()/24))
	}
	host, port, err := net.SplitHostPort(own)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	// The same addresses each time, where they are free: what is printed points
	// to the public pages.
	if b.screen, err = free(host, n+1); err != nil {
		return err
	}
	if b.public, err = free(host, n+2); err != nil {
		return err
	}
	speed := max(b.o.Speed, 0)
	if b.hands, err = take(b.world, speed); err != nil {
		return err
	}
	if b.relay, err = wan.Listen(net.JoinHostPort(host, "0"), func() string { return b.portal.word("sync") }); err != nil {
		return errors.Join(err, b.hands.close())
	}
	if err := b.programs(own, port); err != nil {
		return errors.Join(err, b.relay.Close(), b.hands.close())
	}
	return nil
}

// programs prepares portal and kiosk.
func (b *Bench) programs(own, port string) error {
	err := b.world.WriteSettings(demo.Addresses{
		Screen: b.screen, Sync: b.relay.Addr(), Public: "http://" + b.public,
		Frames: "http://" + own + " http://localhost:" + port,
	})
	if err != nil {
		return err
	}
	logs := filepath.Join(b.world.Dir, "log")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if b.portalLog, err = logTo(filepath.Join(logs, "portald.log")); err != nil {
		return err
	}
	if b.kioskLog, err = logTo(filepath.Join(logs, "penjired.log")); err != nil {
		return err
	}
	b.portal = &process{name: "portald", path: filepath.Join(b.o.Bin, "portald"), log: b.portalLog, wake: b.watch.Wake, args: func() []string {
		args := []string{"-dir", b.world.Portal(), "-web", b.public, "-sync", "127.0.0.1:0"}
		if b.o.Packs != "" {
			args = append(args, "-packs", b.o.Packs)
		}
		return append(args, b.o.Portal...)
	}}
	b.kiosk = &process{name: "penjired", path: filepath.Join(b.o.Bin, "penjired"), log: b.kioskLog, wake: b.watch.Wake, args: func() []string {
		return append([]string{"-settings", b.world.Settings()}, b.o.Kiosk...)
	}}
	b.control = controlClient(b.world.Control())
	return nil
}

// free returns host:port if nobody listens there, else another port.
func free(host string, port int) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			return "", fmt.Errorf("bench: find a free port: %w", err)
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// logKeep is how large a log of an earlier run may be before it begins anew.
const logKeep = 8 << 20

func logTo(name string) (*tail, error) {
	if i, err := os.Stat(name); err == nil && i.Size() > logKeep {
		if err := os.Rename(name, name+".old"); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return &tail{to: f, max: 60}, nil
}

// clear takes everything down that lay and serve brought up, the kiosk first:
// a portal that ends under it would only make it complain.
func (b *Bench) clear() {
	err := errors.Join(b.kiosk.stop(5*time.Second), b.portal.stop(5*time.Second), b.relay.Close(), b.hands.close())
	for _, t := range []*tail{b.portalLog, b.kioskLog} {
		if c, ok := t.to.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	if err != nil {
		_, _ = fmt.Fprintln(b.o.Out, err)
	}
}

// startTime is how long a program may take to say that it is ready.
const startTime = 45 * time.Second

func (b *Bench) serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{Handler: b.handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	defer srv.Close() // its live views never end by themselves
	go b.look(ctx)

	up, stop := context.WithTimeout(ctx, startTime)
	defer stop()
	for _, p := range []*process{b.portal, b.kiosk} {
		if err := p.start(); err != nil {
			return err
		}
		if err := p.wait(up); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("%w; its last words:\n%s", err, b.lastWords(p))
		}
	}
	url := "http://" + l.Addr().String() + "/"
	_, _ = fmt.Fprintf(b.o.Out, "\n  Bench   %s\n  Kiosk   %s\n  Portal  %s\n  Desk    %s  (%s, password %s)\n\n  The world is in %s. Ctrl-C ends everything.\n\n",
		url, b.screenURL(), b.publicURL(), b.publicURL()+"desk/", officerIDs(), demo.OfficerPassword, b.world.Dir)
	if b.o.Ready != nil {
		b.o.Ready(url)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("bench: serve: %w", err)
	}
}

func (b *Bench) lastWords(p *process) string {
	t := b.portalLog
	if p == b.kiosk {
		t = b.kioskLog
	}
	var out strings.Builder
	lines := t.last()
	for _, l := range lines[max(0, len(lines)-8):] {
		out.WriteString("  " + l + "\n")
	}
	return out.String()
}

func officerIDs() string {
	var ids []string
	for _, o := range demo.Officers {
		ids = append(ids, o.ID)
	}
	return strings.Join(ids, ", ")
}
