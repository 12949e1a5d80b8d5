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
	"sync"
	"sync/atomic"
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
	Fresh  bool      // the kiosk is a new board, which has to be enrolled
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
	board   atomic.Pointer[demo.World] // the world with the board that is in the cabinet
	swap    sync.Mutex                 // held while another board is put in
	hands   *hands
	relay   *wan.Relay // between the kiosk and the portal's sync
	est     *wan.Relay // and its enrolment
	portal  *process
	kiosk   *process
	control *http.Client
	code    atomic.Pointer[string] // the last one-time code that was made here
	own     string                 // host:port of the bench's page

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
	for word, to := range map[string]**wan.Relay{"sync": &b.relay, "est": &b.est} {
		if *to, err = wan.Listen(net.JoinHostPort(host, "0"), func() string { return b.portal.word(word) }); err != nil {
			return errors.Join(err, b.network(), b.hands.close())
		}
	}
	b.own = own
	if err := b.programs(); err != nil {
		return errors.Join(err, b.network(), b.hands.close())
	}
	return nil
}

// network takes the network down for good.
func (b *Bench) network() error {
	var err error
	for _, r := range []*wan.Relay{b.relay, b.est} {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return err
}

// clear takes everything down that lay and serve brought up, the kiosk first:
// a portal that ends under it would only make it complain.
func (b *Bench) clear() {
	err := errors.Join(b.kiosk.stop(5*time.Second), b.portal.stop(5*time.Second), b.network(), b.hands.close())
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
		if err := b.ready(up, p); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("%w; its last words:\n%s", err, b.lastWords(p))
		}
	}
	url := "http://" + l.Addr().String() + "/"
	_, _ = fmt.Fprintf(b.o.Out, "\n  Bench   %s\n  Kiosk   %s\n  Portal  %s\n  Desk    %s  (%s, password %s)\n\n  The world is in %s. Ctrl-C ends everything.\n\n",
		url, b.screenURL(), b.publicURL(), b.publicURL()+"desk/", officerIDs(), demo.OfficerPassword, b.world.Dir)
	if b.board.Load().IsFresh() {
		_, _ = fmt.Fprintf(b.o.Out, "  A new board is in the cabinet. If it has no certificates yet, it waits for a one-time code: the bench's page\n  makes one, or the desk, where %s signs in with the same password.\n\n", demo.Operator)
	}
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
