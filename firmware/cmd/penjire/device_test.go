package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/link"
)

// bench is a reader, a printer and an I/O board at the far ends of pseudo-terminals.
type bench struct {
	chip  *pn532emu.Chip
	roll  *printer.Printer
	ports map[string]*pty.Port
	held  link.Line
}

func attach(dir string) (*bench, error) {
	b := &bench{chip: new(pn532emu.Chip), roll: printer.New(printer.Opts{Speed: -1}), ports: map[string]*pty.Port{}}
	for name, dev := range map[string]pty.Device{"reader": b.chip, "printer": b.roll, "io": new(firmataemu.Board)} {
		p, err := pty.Attach(filepath.Join(dir, name), dev)
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		b.ports[name] = p
	}
	return b, nil
}

func (b *bench) close() error {
	var errs []error
	if b.held != nil {
		errs = append(errs, b.held.Close())
	}
	for _, p := range b.ports {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// desk is the board of these devices.
const desk = `{
	"name": "desk", "title": "A reader and a printer", "display": {"width": 1080, "height": 1920, "px_per_mm": 3.78},
	"devices": [
		{"name": "reader", "class": "card-reader", "driver": "pn532-hsu", "port": "reader", "options": {"poll_ms": 100}},
		{"name": "printer", "class": "receipt-printer", "driver": "escpos", "port": "printer"}
	],
	"clock": {"driver": "system"}
}`

// do is what a hand does: "card in", "paper out", "unplug reader", "hold reader".
func (b *bench) do(what, arg string) error {
	switch what + " " + arg {
	case "card in":
		b.chip.Insert(new(devicetest.Echo))
	case "card out":
		b.chip.Remove()
	case "cover open":
		b.roll.SetCover(device.CoverOpen)
	case "cover closed":
		b.roll.SetCover(device.CoverClosed)
	case "paper out":
		b.roll.SetPaper(device.PaperOut)
	case "paper in":
		b.roll.SetPaper(device.PaperFull)
	case "unplug " + arg:
		return b.ports[arg].Unplug()
	case "hold " + arg:
		var err error
		b.held, err = link.Serial{Path: b.ports[arg].Path()}.Open(context.Background())
		return err
	default:
		return fmt.Errorf("no hand does %s %s", what, arg)
	}
	return nil
}

// TestDeviceScripts runs testdata/device. Each script finds the board desk.json
// and its devices in ports/, has hands (card, cover, paper, unplug, hold) and no kiosk.
func TestDeviceScripts(t *testing.T) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for _, what := range []string{"card", "cover", "paper", "unplug", "hold"} {
		cmds[what] = func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(ts.Value("bench").(*bench).do(what, strings.Join(args, " ")))
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/device", RequireExplicitExec: true, Cmds: cmds,
		Setup: func(e *testscript.Env) error {
			if err := os.WriteFile(filepath.Join(e.WorkDir, "desk.json"), []byte(desk), 0o600); err != nil {
				return err
			}
			b, err := attach(filepath.Join(e.WorkDir, "ports"))
			if err != nil {
				return err
			}
			e.Values["bench"] = b
			e.Defer(func() {
				if err := b.close(); err != nil {
					e.T().Fatal("Close of the bench = ", err)
				}
			})
			return nil
		},
	})
}

// technician reads what the tool prints and does what it asks for.
type technician struct {
	b     *bench
	types io.Writer         // the tool's standard input
	does  map[string]string // what is asked for, and what is done: "type y", "card in"
}

// guided runs penjire with a technician at it, and returns the status and what was said.
func guided(t *testing.T, b *bench, does map[string]string, args ...string) (int, string) {
	t.Helper()
	in, types := io.Pipe()
	out, says := io.Pipe()
	var said strings.Builder
	ended := make(chan error, 1)
	h := technician{b: b, types: types, does: does}
	go func() {
		var err error
		for s := bufio.NewScanner(out); s.Scan(); {
			said.WriteString(s.Text() + "\n")
			err = errors.Join(err, h.hear(s.Text()))
		}
		ended <- err
	}()
	status := run(args, in, says, says)
	if err := errors.Join(says.Close(), <-ended, types.Close(), in.Close()); err != nil {
		t.Fatalf("the technician could not do it: %v\n%s", err, said.String())
	}
	return status, said.String()
}

func (h *technician) hear(line string) error {
	for asked, done := range h.does {
		if !strings.Contains(line, asked) || strings.HasPrefix(line, " ") {
			continue
		}
		what, arg, _ := strings.Cut(done, " ")
		if what != "type" {
			return h.b.do(what, arg)
		}
		go func() { _, _ = io.WriteString(h.types, arg+"\n") }() // taken when it is asked for
	}
	return nil
}

// well is a technician who does all that is asked, at devices that do too.
var well = map[string]string{
	"Put a card": "card in", "Take the card away": "card out",
	"Is the ticket out": "type y", "Are the Turkmen": "type y",
	"Open the cover": "cover open", "Close the cover": "cover closed",
	"Take the paper out": "paper out", "Put the paper in": "paper in",
}

func TestGuidedTests(t *testing.T) {
	with := func(changes map[string]string) map[string]string {
		out := map[string]string{}
		maps.Copy(out, well)
		maps.Copy(out, changes)
		return out
	}
	for name, v := range map[string]struct {
		device string
		first  func(*bench) error
		does   map[string]string
		want   int
		wait   string   // "": a minute
		says   []string // expressions
		never  string
	}{
		"reader": {
			device: "reader", does: well, want: good,
			says: []string{`ok +it answers \(online\)`, `ok +a card came`, `ok +the card answers`, `ok +the card was taken`, `4 steps ok, 0 failed, 0 not confirmed`},
		},
		"a card is in it": {
			device: "reader", first: func(b *bench) error { return b.do("card", "in") },
			does: with(map[string]string{"Take the card out": "card out"}), want: good,
			says: []string{`5 steps ok`},
		},
		"no card comes": {
			device: "reader", does: with(map[string]string{"Put a card": "type "}), want: blind,
			says: []string{`not confirmed +the device did not say so: a card came`, `nothing says so`}, never: `ok +a card`,
		},
		"printer": {
			device: "printer", does: well, want: good,
			says: []string{`ok +paper full, cover closed`, `ok +a test ticket: the printer confirms it`, `ok +there is no paper`, `0 failed, 0 not confirmed`},
		},
		"bad ticket": {
			device: "printer", does: with(map[string]string{"Is the ticket out": "type n"}), want: bad,
			says: []string{`FAILED +the ticket is well printed`, `1 failed`},
		},
		"nobody looked": {
			device: "printer", does: with(map[string]string{"Is the ticket out": "type "}), want: blind,
			says: []string{`not confirmed +the ticket is well printed`},
		},
		"no paper": {
			device: "printer", first: func(b *bench) error { return b.do("paper", "out") },
			does: with(map[string]string{"Is the ticket out": "type n"}), want: bad,
			says: []string{`FAILED +paper out`, `FAILED +a test ticket: .*no paper`}, never: `printer confirms`,
		},
		"unplugged": {
			device: "printer", first: func(b *bench) error { return b.do("unplug", "printer") }, does: well, wait: "500ms", want: bad,
			says: []string{`FAILED +its port cannot be opened: .*unplugged`}, never: "ticket",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "desk.json"), []byte(desk), 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := attach(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := b.close(); err != nil {
					t.Error(err)
				}
			}()
			if v.first != nil {
				if err := v.first(b); err != nil {
					t.Fatal(err)
				}
			}
			status, said := guided(t, b, v.does, "device", "test", "--board", filepath.Join(dir, "desk.json"), "--ports", dir, "--wait", cmp.Or(v.wait, "1m"), v.device)
			if status != v.want {
				t.Errorf("status %d, want %d\n%s", status, v.want, said)
			}
			for _, want := range v.says {
				if !regexp.MustCompile(want).MatchString(said) {
					t.Errorf("said\n%s\nwant %q", said, want)
				}
			}
			if v.never != "" && regexp.MustCompile(v.never).MatchString(said) {
				t.Errorf("said\n%s\nand must not say %q", said, v.never)
			}
		})
	}
}
