package devicetest

import (
	"context"
	"errors"
	"image"
	"image/color"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// PrinterRig is a printer's driver with the printer it drives in reach.
type PrinterRig struct {
	Dev   device.ReceiptPrinter
	Hands PrinterHands
	limit time.Duration // set by the suite
}

// PrinterHands are what can be done to a printer by hand, and what can be seen.
type PrinterHands interface {
	SetPaper(device.Paper)
	SetCover(device.Cover)
	Unplug()
	Replug()
	// After does f when that many rows more have been printed.
	After(rows int, f func())
	// Mute keeps the printer from confirming anything.
	Mute()
	// Papers are the pictures of the finished papers, oldest first.
	Papers() []image.Image
}

// Printer runs the suite of device.ReceiptPrinter in the kind of time given.
// plug makes a printer with paper, plugged in, and its driver, and undoes both
// when its t ends.
func Printer(t *testing.T, in Time, plug func(t *testing.T) PrinterRig) {
	run := func(name string, f func(t *testing.T, r PrinterRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.limit = in.limit
				within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
				f(t, r)
			})
		})
	}
	run("prints every dot", printsEveryDot)
	run("prints pictures that look like commands", printsCommands)
	run("refuses pictures that do not fit", refusesMisfits)
	run("says what paper and cover are", saysMedia)
	for name, hurt := range hurts {
		run(name+" before", func(t *testing.T, r PrinterRig) { hurtBefore(t, r, hurt) })
		run(name+" during", func(t *testing.T, r PrinterRig) { hurtDuring(t, r, hurt) })
		run(name+" after", func(t *testing.T, r PrinterRig) { hurtAfter(t, r, hurt) })
	}
	run("never confirms", neverConfirms)
	run("caller gives up", callerGivesUp)
	run("jobs wait for one another", jobsWait)
	run("cuts on demand", cuts)
	run("halts", haltsPrinter)
}

// Ticket returns a picture of that many rows that no other seed gives, with ink
// in its first and last row and column.
func Ticket(width, rows int, seed uint32) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, width, rows))
	x := seed*2654435761 + 1
	for i := range m.Pix {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		m.Pix[i] = 0xFF
		if x&3 == 0 {
			m.Pix[i] = 0
		}
	}
	for _, p := range []image.Point{{0, 0}, {width - 1, 0}, {0, rows - 1}, {width - 1, rows - 1}} {
		m.SetGray(p.X, p.Y, color.Gray{})
	}
	return m
}

// sameDots fails the test if got does not begin with want, dot for dot, and
// hold nothing else.
func sameDots(t *testing.T, got, want image.Image) {
	t.Helper()
	g, w := got.Bounds(), want.Bounds()
	if g.Dx() != w.Dx() || g.Dy() < w.Dy() {
		t.Fatalf("paper is %v, want at least %v", g, w)
	}
	for y := range g.Dy() {
		for x := range g.Dx() {
			ink := false
			if y < w.Dy() {
				ink = dark(want.At(w.Min.X+x, w.Min.Y+y))
			}
			if dark(got.At(g.Min.X+x, g.Min.Y+y)) != ink {
				t.Fatalf("paper of %d rows, dot %d in row %d: ink is %v, want %v", g.Dy(), x, y, !ink, ink)
			}
		}
	}
}

func dark(c color.Color) bool { return color.GrayModel.Convert(c).(color.Gray).Y < 0x80 }

// printOne prints m and wants it printed; the paper must be the last one.
func printOne(t *testing.T, r PrinterRig, m image.Image) {
	t.Helper()
	n := len(r.Hands.Papers())
	out, err := r.Dev.Print(t.Context(), m)
	if out != device.Printed || err != nil {
		t.Fatalf("Print = %v, %v, want Printed", out, err)
	}
	papers := r.Hands.Papers()
	if len(papers) <= n {
		t.Fatalf("papers after Print: got %d, want more than %d", len(papers), n)
	}
	sameDots(t, papers[len(papers)-1], m)
}

func printsEveryDot(t *testing.T, r PrinterRig) {
	for seed, rows := range []int{1, 23, 24, 25, 333} {
		printOne(t, r, Ticket(r.Dev.Width(), rows, uint32(seed)))
	}
	if n := len(r.Hands.Papers()); n != 5 {
		t.Errorf("papers: got %d, want 5", n)
	}
}

// Commands returns a picture whose dots are the bytes of real-time commands: a
// printer may obey them in the middle of it.
func Commands(width, rows int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, width, rows))
	commands := [][]byte{{0x10, 4, 1}, {0x10, 4, 2}, {0x10, 4, 4}, {0x1D, 'r', 1}, {0x1B, '@'}, {0x1D, 'V', 0}, {0x10, 4, 3}}
	for y := range rows {
		row := make([]byte, 0, width/8)
		for i := y; len(row) < width/8; i++ {
			row = append(row, commands[i%len(commands)]...)
		}
		for x := range width {
			m.SetGray(x, y, color.Gray{0xFF * (1 - row[x/8]>>(7-x%8)&1)})
		}
	}
	return m
}

// printsCommands: the driver is not confused by such answers.
func printsCommands(t *testing.T, r PrinterRig) {
	for range 3 {
		printOne(t, r, Commands(r.Dev.Width(), 64))
	}
}

func refusesMisfits(t *testing.T, r PrinterRig) {
	for _, m := range []image.Image{
		Ticket(r.Dev.Width()-8, 10, 1), Ticket(r.Dev.Width()+8, 10, 1), image.NewGray(image.Rect(0, 0, r.Dev.Width(), 0)),
	} {
		out, err := r.Dev.Print(t.Context(), m)
		if e, ok := errors.AsType[*device.Error](err); out != device.NotPrinted || !ok || e.SideEffect != device.SideEffectNo {
			t.Errorf("Print(%v) = %v, %v, want NotPrinted and no side effect", m.Bounds(), out, err)
		}
	}
	if n := len(r.Hands.Papers()); n != 0 {
		t.Errorf("papers: got %d, want 0", n)
	}
}

func saysMedia(t *testing.T, r PrinterRig) {
	for _, want := range []device.Media{
		{Paper: device.PaperLow, Cover: device.CoverClosed},
		{Paper: device.PaperOut, Cover: device.CoverClosed},
		{Paper: device.PaperOut, Cover: device.CoverOpen},
		{Paper: device.PaperFull, Cover: device.CoverOpen},
		{Paper: device.PaperFull, Cover: device.CoverClosed},
		{Paper: device.PaperJammed, Cover: device.CoverClosed},
		{Paper: device.PaperFull, Cover: device.CoverClosed},
	} {
		r.Hands.SetCover(want.Cover)
		r.Hands.SetPaper(want.Paper)
		within(t, r.Dev, r.limit, string("media "+want.Paper+", cover "+device.Paper(want.Cover)), func() bool {
			m, err := r.Dev.Media(t.Context())
			return err == nil && m.Paper == want.Paper && m.Cover == want.Cover
		})
		health := device.Online
		if want.Cover == device.CoverOpen || want.Paper == device.PaperOut || want.Paper == device.PaperJammed {
			health = device.UserError
		}
		if h := r.Dev.Health(); h != health {
			t.Errorf("Health with %v = %v, want %v", want, h, health)
		}
	}
}

// hurt is something that keeps a printer from printing, and its cure.
type hurt struct {
	do, undo func(h PrinterHands)
	cause    error
	health   device.Health
}

var hurts = map[string]hurt{
	"paper out": {
		func(h PrinterHands) { h.SetPaper(device.PaperOut) }, func(h PrinterHands) { h.SetPaper(device.PaperFull) },
		device.ErrNoPaper, device.UserError,
	},
	"cover open": {
		func(h PrinterHands) { h.SetCover(device.CoverOpen) }, func(h PrinterHands) { h.SetCover(device.CoverClosed) },
		device.ErrCoverOpen, device.UserError,
	},
	"jam": {
		func(h PrinterHands) { h.SetPaper(device.PaperJammed) }, func(h PrinterHands) { h.SetPaper(device.PaperFull) },
		device.ErrPaperJam, device.UserError,
	},
	"unplugged": {
		PrinterHands.Unplug, PrinterHands.Replug, device.ErrUnplugged, device.NoDevice,
	},
}

// mended undoes h and waits until the printer is fine.
func mended(t *testing.T, r PrinterRig, h hurt) {
	t.Helper()
	h.undo(r.Hands)
	within(t, r.Dev, r.limit, "online again", func() bool { return r.Dev.Health() == device.Online })
}

func hurtBefore(t *testing.T, r PrinterRig, h hurt) {
	h.do(r.Hands)
	m := Ticket(r.Dev.Width(), 100, 7)
	out, err := r.Dev.Print(t.Context(), m)
	if out != device.NotPrinted {
		t.Errorf("Print = %v, want NotPrinted", out)
	}
	wantError(t, "Print", err, h.cause, device.SideEffectNo)
	within(t, r.Dev, r.limit, string("health "+h.health), func() bool { return r.Dev.Health() == h.health })
	mended(t, r, h)
	printOne(t, r, m)
	if n := len(r.Hands.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1: nothing of the job that was refused", n)
	}
}

func hurtDuring(t *testing.T, r PrinterRig, h hurt) {
	r.Hands.After(150, func() { h.do(r.Hands) })
	old := Ticket(r.Dev.Width(), 600, 7)
	out, err := r.Dev.Print(t.Context(), old)
	if out != device.PrintUnknown {
		t.Errorf("Print = %v, want PrintUnknown", out)
	}
	wantError(t, "Print", err, h.cause, device.SideEffectUnknown)
	within(t, r.Dev, r.limit, string("health "+h.health), func() bool { return r.Dev.Health() == h.health })
	mended(t, r, h)
	// What came out of the old job is on a paper of its own, and no more of it
	// follows.
	printOne(t, r, Ticket(r.Dev.Width(), 100, 8))
	papers := r.Hands.Papers()
	if len(papers) != 2 {
		t.Fatalf("papers: got %d, want 2: a part of the old job, and the new one", len(papers))
	}
	part := papers[0].Bounds()
	for y := range part.Dy() {
		for x := range part.Dx() {
			if dark(papers[0].At(x, y)) && (y >= 600 || !dark(old.At(x, y))) {
				t.Fatalf("first paper, dot %d in row %d: got ink, want a part of the old job", x, y)
			}
		}
	}
}

func hurtAfter(t *testing.T, r PrinterRig, h hurt) {
	printOne(t, r, Ticket(r.Dev.Width(), 100, 7))
	h.do(r.Hands)
	within(t, r.Dev, r.limit, string("health "+h.health), func() bool { return r.Dev.Health() == h.health })
	if h.health == device.NoDevice {
		if m, err := r.Dev.Media(t.Context()); !errors.Is(err, device.ErrUnplugged) || m.Paper != device.PaperUnknown || m.Cover != device.CoverUnknown {
			t.Errorf("Media = %v, %v, want unknown and ErrUnplugged", m, err)
		}
	}
	mended(t, r, h)
	printOne(t, r, Ticket(r.Dev.Width(), 100, 8))
	if n := len(r.Hands.Papers()); n != 2 {
		t.Errorf("papers: got %d, want 2", n)
	}
}

func neverConfirms(t *testing.T, r PrinterRig) {
	r.Hands.Mute()
	out, err := r.Dev.Print(t.Context(), Ticket(r.Dev.Width(), 100, 7))
	if out != device.PrintUnknown {
		t.Errorf("Print = %v, want PrintUnknown", out)
	}
	wantError(t, "Print", err, device.ErrTimeout, device.SideEffectUnknown)
}

func callerGivesUp(t *testing.T, r PrinterRig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := r.Dev.Print(ctx, Ticket(r.Dev.Width(), 100, 7))
	if out != device.NotPrinted {
		t.Errorf("Print with an ended context = %v, want NotPrinted", out)
	}
	wantError(t, "Print", err, context.Canceled, device.SideEffectNo)

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	r.Hands.After(50, cancel)
	out, err = r.Dev.Print(ctx, Ticket(r.Dev.Width(), 3000, 8))
	if out != device.PrintUnknown {
		t.Errorf("Print with a context that ends = %v, want PrintUnknown", out)
	}
	wantError(t, "Print", err, context.Canceled, device.SideEffectUnknown)
	printOne(t, r, Ticket(r.Dev.Width(), 100, 9))
}

func jobsWait(t *testing.T, r PrinterRig) {
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if out, err := r.Dev.Print(t.Context(), Ticket(r.Dev.Width(), 200+i, uint32(i))); out != device.Printed || err != nil {
				t.Errorf("Print %d = %v, %v, want Printed", i, out, err)
			}
		})
	}
	all.Wait()
	papers := r.Hands.Papers()
	if len(papers) != 4 {
		t.Fatalf("papers: got %d, want 4", len(papers))
	}
	seen := map[int]bool{}
	for _, p := range papers {
		i := 0
		for i < 3 && !matches(p, Ticket(r.Dev.Width(), 200+i, uint32(i))) {
			i++
		}
		sameDots(t, p, Ticket(r.Dev.Width(), 200+i, uint32(i)))
		seen[i] = true
	}
	if len(seen) != 4 {
		t.Errorf("jobs on paper: got %d different ones, want 4", len(seen))
	}
}

// matches compares first rows.
func matches(p, want image.Image) bool {
	for x := range want.Bounds().Dx() {
		if dark(p.At(x, 0)) != dark(want.At(x, 0)) {
			return false
		}
	}
	return true
}

func cuts(t *testing.T, r PrinterRig) {
	c, ok := r.Dev.(device.Cutter)
	if !ok {
		t.Fatalf("%T is no device.Cutter", r.Dev)
	}
	if err := c.Cut(t.Context()); err != nil {
		t.Fatalf("Cut = %v, want nil", err)
	}
	if n := len(r.Hands.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1", n)
	}
	r.Hands.SetPaper(device.PaperOut)
	wantError(t, "Cut without paper", c.Cut(t.Context()), device.ErrNoPaper, device.SideEffectNo)
}

func haltsPrinter(t *testing.T, r PrinterRig) {
	r.Hands.Mute()
	done := make(chan error, 1)
	started := make(chan struct{})
	r.Hands.After(20, func() { close(started) })
	go func() {
		_, err := r.Dev.Print(t.Context(), Ticket(r.Dev.Width(), 100, 7))
		done <- err
	}()
	<-started
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	wantError(t, "Print while halting", <-done, device.ErrHalted, device.SideEffectUnknown)
	if d := time.Since(begin); d > r.limit {
		t.Errorf("Halt took %v, want at most %v", d, r.limit)
	}
	_, err := r.Dev.Print(t.Context(), Ticket(r.Dev.Width(), 100, 7))
	wantError(t, "Print after Halt", err, device.ErrHalted, device.SideEffectNo)
	if _, err := r.Dev.Media(t.Context()); !errors.Is(err, device.ErrHalted) && !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Media after Halt = %v, want ErrHalted", err)
	}
}
