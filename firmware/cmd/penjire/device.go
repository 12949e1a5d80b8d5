package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/settings"
)

const deviceHelp = `usage: penjire device ls     [--json]
       penjire device test   [--wait DURATION] NAME
       penjire device record [--for DURATION] NAME FILE
       penjire device watch  [--for DURATION] [--json] [NAME ...]
all of them: [--settings FILE] or [--board NAME|FILE [--ports FOLDER] [--socket PATH]]
`

// deviceCommand is penjire device.
func deviceCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "ls":
			return deviceLs(ctx, args[1:], stdout, stderr)
		case "test":
			return deviceTest(ctx, args[1:], stdin, stdout, stderr)
		case "record":
			return deviceRecord(ctx, args[1:], stdin, stdout, stderr)
		case "watch":
			return deviceWatch(ctx, args[1:], stdout, stderr)
		}
	}
	_, _ = fmt.Fprint(stderr, deviceHelp)
	return usage
}

// deviceFlags say which devices there are to be, and where the kiosk answers that
// may have them open.
type deviceFlags struct{ settings, board, ports, socket string }

func (f *deviceFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&f.settings, "settings", "/etc/penjire/settings.json", "the kiosk's settings `file`")
	fs.StringVar(&f.board, "board", "", "a board by `name`, or a file with one, instead of the settings'")
	fs.StringVar(&f.ports, "ports", "/dev", "`folder` of the board's relative ports, with --board")
	fs.StringVar(&f.socket, "socket", "", "`path` of the kiosk's control socket")
}

// devices are those of a board.
type devices struct {
	board  *board.Board
	wants  []registry.Want // as the board has them
	socket string          // "": no kiosk is asked
	state  string          // the kiosk's folder; "": it is not known
}

func (f *deviceFlags) load() (*devices, error) {
	d := &devices{socket: f.socket}
	name, ports := f.board, f.ports
	if name == "" {
		s, err := settings.Load(f.settings)
		if err != nil {
			return nil, fmt.Errorf("which devices there are to be is not known: %w\nhint: --settings names the settings, --board a board", err)
		}
		name, ports, d.state = s.Board, s.Ports, s.State
		if d.socket == "" {
			d.socket = s.Control
		}
	}
	var err error
	if d.board, err = board.Open(name); err != nil {
		return nil, err
	}
	if ports, err = filepath.Abs(ports); err != nil {
		return nil, err
	}
	d.wants = kiosk.Wants(d.board, ports)
	return d, nil
}

// find returns the index of the device called name.
func (d *devices) find(name string) (int, error) {
	i := slices.IndexFunc(d.wants, func(w registry.Want) bool { return w.Name == name })
	if i < 0 {
		var names []string
		for _, w := range d.wants {
			names = append(names, w.Name)
		}
		return 0, fmt.Errorf("board %s has no device %q; it has %s", d.board.Name, name, strings.Join(names, ", "))
	}
	return i, nil
}

// running returns what the running kiosk says of itself; false: none answers.
func (d *devices) running(ctx context.Context) (kiosk.Status, bool) {
	var st kiosk.Status
	if d.socket == "" {
		return st, false
	}
	raw, err := ask(ctx, d.socket, "/state")
	return st, err == nil && json.Unmarshal(raw, &st) == nil
}

// held says that the kiosk has a device, and what to do.
const held = `penjire: the running kiosk has this device open, and two programs would each get half of its answers
hint: stop the kiosk first (systemctl stop penjired), and start it again afterwards
`

// witness is a port that remembers how its last opening went.
type witness struct {
	link.Port
	mu     sync.Mutex
	opened bool
	err    error
}

// Open implements link.Port.
func (w *witness) Open(ctx context.Context) (link.Line, error) {
	l, err := w.Port.Open(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened, w.err = w.opened || err == nil, err
	return l, err
}

// last returns whether the port was ever open, and what the last try failed with.
func (w *witness) last() (opened bool, err error) {
	if w == nil {
		return false, nil // the driver has no port that can be listened to
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened, w.err
}

// open loads the device at i. around is put around its port, if it has one.
func (d *devices) open(i int, around func(link.Port) link.Port) (registry.Result, *witness) {
	var seen *witness
	w := d.wants[i]
	w.Tap = func(p link.Port) link.Port {
		seen = &witness{Port: p}
		if around == nil {
			return seen
		}
		return around(seen)
	}
	return registry.Load([]registry.Want{w})[0], seen
}

// inUse says whether another program has the port.
func (w *witness) inUse() bool {
	_, err := w.last()
	return errors.Is(err, link.ErrInUse)
}
