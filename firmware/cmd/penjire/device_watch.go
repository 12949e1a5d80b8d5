package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/registry"
)

// change is one line of penjire device watch --json. It says nothing of a person.
type change struct {
	At     time.Time `json:"at"`
	Device string    `json:"device"` // "": something was plugged in or out
	What   string    `json:"what"`
	Was    string    `json:"was,omitempty"`
	Is     string    `json:"is,omitempty"`
}

// watcher prints changes as they come.
type watcher struct {
	mu   sync.Mutex
	out  io.Writer
	json bool
	told map[string]map[string]string // device => what => as last told
}

// tell prints what has changed of a device.
func (w *watcher) tell(name string, now map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.told[name]
	for _, what := range slices.Sorted(maps.Keys(now)) {
		if now[what] != was[what] {
			w.print(change{time.Now(), name, what, was[what], now[what]})
		}
	}
	w.told[name] = now
}

// print writes one line. w.mu is held.
func (w *watcher) print(c change) {
	if w.json {
		if b, err := json.Marshal(c); err == nil {
			_, _ = fmt.Fprintf(w.out, "%s\n", b)
		}
		return
	}
	at := c.At.Format("15:04:05.000")
	if c.Was == "" {
		_, _ = fmt.Fprintf(w.out, "%s %-12s %s %s\n", at, c.Device, c.What, c.Is)
		return
	}
	_, _ = fmt.Fprintf(w.out, "%s %-12s %s %s -> %s\n", at, c.Device, c.What, c.Was, c.Is)
}

func deviceWatch(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire device watch", flag.ContinueOnError)
	var f deviceFlags
	f.add(fs)
	asJSON := fs.Bool("json", false, "print JSON lines")
	end := fs.Duration("for", 0, "end after that `time`; 0: when interrupted")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	d, err := f.load()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return usage
	}
	chosen := []int{}
	for _, name := range fs.Args() {
		i, err := d.find(name)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
		chosen = append(chosen, i)
	}
	if len(chosen) == 0 {
		for i := range d.wants {
			chosen = append(chosen, i)
		}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if *end > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *end)
		defer cancel()
	}
	w := &watcher{out: stdout, json: *asJSON, told: map[string]map[string]string{}}
	var plugs sync.WaitGroup
	plugs.Go(func() { w.plugs(ctx) })
	defer plugs.Wait()
	if _, running := d.running(ctx); running {
		_, _ = fmt.Fprintln(stderr, "penjire: the running kiosk has the devices open: what follows is what it says of them")
		return d.watchKiosk(ctx, w, chosen, stderr)
	}
	return d.watchPorts(ctx, w, chosen, stderr)
}

// every is how often a running kiosk is asked.
const every = 500 * time.Millisecond

// watchKiosk tells what the running kiosk says.
func (d *devices) watchKiosk(ctx context.Context, w *watcher, chosen []int, stderr io.Writer) int {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		st, running := d.running(ctx)
		if ctx.Err() != nil {
			return good
		}
		if !running {
			_, _ = fmt.Fprintln(stderr, "penjire: the kiosk answers no more")
			return blind
		}
		for _, i := range chosen {
			if i >= len(st.Devices.Board) {
				continue // another board than the settings say now
			}
			b := st.Devices.Board[i]
			now := map[string]string{"state": b.State}
			if b.Health != "" {
				now["health"] = b.Health
			}
			switch b.Class {
			case "card-reader":
				now["card"] = presence(st.Devices.Card, up(device.Health(b.Health)))
			case "receipt-printer":
				now["paper"], now["cover"] = cmp.Or(st.Devices.Paper, "unknown"), cmp.Or(st.Devices.Cover, "unknown")
			}
			w.tell(b.Name, now)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return good
		}
	}
}

// presence is XFS4IoT's word for whether a card is in a reader. One that does not
// answer does not say.
func presence(card, up bool) string {
	switch {
	case !up:
		return "unknown"
	case card:
		return "present"
	}
	return "notPresent"
}

// watchPorts opens the devices and tells what they say. It leaves watchdogs alone.
func (d *devices) watchPorts(ctx context.Context, w *watcher, chosen []int, stderr io.Writer) int {
	var rs []registry.Result
	var each sync.WaitGroup
	status := good
	for _, i := range chosen {
		if _, ok := tries[d.board.Devices[i].Class]; !ok {
			continue
		}
		r, seen := d.open(i, nil)
		rs = append(rs, r)
		switch r.State {
		case registry.Failed:
			status = bad
			fallthrough
		case registry.Skipped:
			_, _ = fmt.Fprintf(stderr, "penjire: %s is %v: %s\n", r.Want.Name, r.State, r.Why())
		default:
			each.Go(func() { w.follow(ctx, r, seen) })
		}
	}
	<-ctx.Done()
	each.Wait()
	if err := registry.Halt(rs); err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return bad
	}
	return status
}

// follow tells of one device until ctx ends.
func (w *watcher) follow(ctx context.Context, r registry.Result, seen *witness) {
	ctx, done := context.WithCancel(ctx)
	var cards *cardView
	if reader, ok := r.Device.(device.CardReader); ok {
		cards = follow(ctx, reader)
		defer func() { done(); <-cards.ended }()
	}
	defer done()
	untilEvery(ctx, time.Second, r.Device, func() bool {
		now := snapshot(ctx, r.Device, cards)
		if seen.inUse() {
			now["health"] = "inUse" // by another program; XFS4IoT has no word for that
		}
		w.tell(r.Want.Name, now)
		return false
	})
}

// snapshot asks a device for all it says of its state.
func snapshot(ctx context.Context, d device.Device, cards *cardView) map[string]string {
	now := map[string]string{"health": string(d.Health())}
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	switch d := d.(type) {
	case device.ReceiptPrinter:
		m := mediaOf(ctx, d.Media)
		now["paper"], now["cover"] = string(m.Paper), string(m.Cover)
	case device.DocumentPrinter:
		m := mediaOf(ctx, d.Media)
		now["paper"], now["cover"] = string(m.Paper), string(m.Cover)
	case device.CardReader:
		now["card"] = presence(cards.now() != nil, up(d.Health()))
	case device.Sensor:
		c, _ := d.Contact()
		now[string(d.Kind())] = string(c)
	case device.PowerMonitor:
		if p, err := d.Power(ctx); err == nil {
			now["source"] = string(p.Source)
		}
	case device.Modem:
		if s, err := d.Signal(ctx); err == nil {
			now["registration"] = string(s.Registration)
		}
	}
	return now
}

// plugs tells of device files that come and go.
func (w *watcher) plugs(ctx context.Context) {
	h, err := link.Listen()
	if err != nil {
		return // the devices are watched without it
	}
	stop := context.AfterFunc(ctx, func() { _ = h.Close() })
	defer stop()
	for {
		u, err := h.Next()
		switch {
		case ctx.Err() != nil || err != nil && !errors.Is(err, link.ErrMissed):
			return
		case err != nil || u.Node == "" || !slices.Contains([]string{"tty", "usbmisc", "video4linux", "hidraw"}, u.Subsystem):
			continue
		}
		what := map[string]string{"add": "plugged", "remove": "unplugged"}[u.Action]
		if what != "" {
			w.mu.Lock()
			w.print(change{At: time.Now(), What: what, Is: "/dev/" + link.Printable(u.Node)})
			w.mu.Unlock()
		}
	}
}
