package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/evdev"
	"github.com/penjire/penjire/drivers/framebuffer"
	"github.com/penjire/penjire/firmware/panel"
	ui "github.com/penjire/penjire/ui/panel"
)

const panelHelp = `usage: penjire panel [run] [--screen DEVICE|FILE:WxHxBITS] [--board FILE] [--rotation DEGREES] [--input FOLDER] [--dir FOLDER] [--page FILE]
       penjire panel say [--phone NUMBER] [--detail TEXT,...] [--dir FOLDER] WHO KIND
       penjire panel unsay [--dir FOLDER] WHO
       penjire panel picture [--size WxH] [--dir FOLDER] FILE.png
`

// panelCommand is penjire panel.
func panelCommand(ctx context.Context, args []string, stderr io.Writer) int {
	what := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		what, args = args[0], args[1:]
	}
	fs := flag.NewFlagSet("penjire panel "+what, flag.ContinueOnError)
	fs.Usage = func() { _, _ = fmt.Fprint(stderr, panelHelp) }
	dir := fs.String("dir", panel.Dir, "")
	var err error
	switch what {
	case "run":
		var f panelFlags
		f.add(fs)
		if st, done := parseFlags(fs, args, stderr); done {
			return st
		}
		if fs.NArg() != 0 {
			fs.Usage()
			return usage
		}
		err = f.run(ctx, *dir, stderr)
	case "say":
		phone, detail := fs.String("phone", "", ""), fs.String("detail", "", "")
		if st, done := parseFlags(fs, args, stderr); done {
			return st
		}
		if fs.NArg() != 2 {
			fs.Usage()
			return usage
		}
		s := panel.Statement{Show: ui.Kind(fs.Arg(1)), Phone: *phone}
		if *detail != "" {
			s.Detail = strings.Split(*detail, ",")
		}
		if err := s.Check(); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
		err = panel.Say(*dir, fs.Arg(0), s)
	case "unsay":
		if st, done := parseFlags(fs, args, stderr); done {
			return st
		}
		if fs.NArg() != 1 {
			fs.Usage()
			return usage
		}
		err = panel.Unsay(*dir, fs.Arg(0))
	case "picture":
		size := fs.String("size", "1280x800", "")
		if st, done := parseFlags(fs, args, stderr); done {
			return st
		}
		var w, h int
		if n, scanErr := fmt.Sscanf(*size, "%dx%d", &w, &h); fs.NArg() != 1 || scanErr != nil || n != 2 {
			fs.Usage()
			return usage
		}
		err = panelPicture(*dir, fs.Arg(0), framebuffer.XRGB8888.Sized(w, h))
	default:
		fs.Usage()
		return usage
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return bad
	}
	return good
}

// panelFlags say which screen there is.
type panelFlags struct {
	screen, board, input, page string
	rotation                   int
}

func (f *panelFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&f.screen, "screen", "/dev/fb0", "")
	fs.StringVar(&f.board, "board", "/usr/lib/penjire/board.json", "")
	fs.StringVar(&f.input, "input", "/dev/input", "")
	fs.StringVar(&f.page, "page", "/run/penjire/page", "")
	fs.IntVar(&f.rotation, "rotation", -1, "")
}

// open opens the device, or FILE:WxHxBITS.
func (f *panelFlags) open() (*framebuffer.Screen, error) {
	i := strings.LastIndexByte(f.screen, ':')
	if i < 0 {
		return framebuffer.Open(f.screen)
	}
	var w, h, bits int
	if _, err := fmt.Sscanf(f.screen[i+1:], "%dx%dx%d", &w, &h, &bits); err != nil {
		return nil, fmt.Errorf("got the screen %q, want FILE:WxHxBITS", f.screen)
	}
	formats := map[int]framebuffer.Format{16: framebuffer.RGB565, 24: framebuffer.RGB888, 32: framebuffer.XRGB8888}
	return framebuffer.OpenFile(f.screen[:i], formats[bits].Sized(w, h))
}

// await opens the screen; at the start of a machine it is there a while before the
// panel's user may have it.
func (f *panelFlags) await(ctx context.Context) (*framebuffer.Screen, error) {
	const most = 30 // seconds
	for tries := 0; ; tries++ {
		s, err := f.open()
		if !errors.Is(err, fs.ErrPermission) || tries == most {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

// turned is by how much the display is turned: what was asked for, else what the
// board says, else nothing.
func (f *panelFlags) turned() int {
	if f.rotation >= 0 {
		return f.rotation
	}
	b, err := os.ReadFile(f.board)
	if err != nil {
		return 0 // this is no image of ours
	}
	d, err := board.Parse(b)
	if err != nil {
		return 0 // a picture that lies on its side says more than none
	}
	return d.Display.Rotation
}

func (f *panelFlags) run(ctx context.Context, dir string, stderr io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := f.await(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	defer quietConsole()()
	return panel.Run(ctx, panel.Options{
		Screen: s, Rotation: f.turned(), Dir: dir, Page: f.page, Touches: evdev.Find(f.input), Log: slog.New(slog.NewTextHandler(stderr, nil)),
	})
}

// The kernel's numbers of a console's modes, include/uapi/linux/kd.h.
const (
	setMode  = 0x4B3A // KDSETMODE
	textMode = 0
	graphics = 1
)

// quietConsole keeps the kernel's console from drawing over the panel, where standard
// input is one: the unit gives it its terminal. The function that it returns lets it
// draw again.
func quietConsole() func() {
	if unix.IoctlSetInt(0, setMode, graphics) != nil {
		return func() {} // no console there: nothing draws
	}
	return func() { _ = unix.IoctlSetInt(0, setMode, textMode) }
}

// panelPicture draws what would be shown now.
func panelPicture(dir, path string, m framebuffer.Format) (err error) {
	at, err := os.CreateTemp("", "penjire-panel-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.Close(), os.Remove(at.Name())) }()
	s, err := framebuffer.OpenFile(at.Name(), m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	over, cancel := context.WithCancel(context.Background())
	cancel() // one picture is drawn before it is looked at
	if err := panel.Run(over, panel.Options{Screen: s, Dir: dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, s.Picture()), f.Close())
}
