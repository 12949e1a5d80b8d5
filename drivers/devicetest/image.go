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

// ImageRig is an image scanner's driver with the scanner in reach.
type ImageRig struct {
	Dev   device.ImageScanner
	Hands ImageHands
	// Shows is what a picture of m at dpi looks like; 0: as the device has it.
	Shows func(m image.Image, dpi int) image.Image
	Off   int           // how far a channel may be off, of 255: pictures are packed on the way
	Feeds bool          // sheets go through it: it can be empty, jam and be open
	limit time.Duration // set by the suite
}

// ImageHands are what can be done to an image scanner by hand, and what can be seen.
type ImageHands interface {
	// Lay puts a sheet there, 80 dots wide and 60 high.
	Lay(image.Image)
	Unplug()
	Replug()
	// Middle does f in the middle of the next picture.
	Middle(f func())
	// Next makes something happen to the next picture.
	Next(ImageMishap)
	// Count is how many pictures were begun.
	Count() int
}

// FeederHands are ImageHands of a scanner that Feeds.
type FeederHands interface {
	ImageHands
	// SetFeeder makes the next captures meet that: no sheet, a jam, an open cover,
	// or a sheet where everything is fine.
	SetFeeder(device.Paper, device.Cover)
}

// ImageMishap is something that happens to one picture.
type ImageMishap int

// The mishaps.
const (
	PictureCut     ImageMishap = 1 // it ends in the middle, with the line
	PictureSilence ImageMishap = 2 // nothing more comes
	PictureShort   ImageMishap = 3 // it is shorter than announced
	PictureGarbage ImageMishap = 4 // what comes is no picture
)

// ImageScanner runs the suite of device.ImageScanner in the kind of time given.
// plug makes a scanner with a white sheet, plugged in, and its driver, and undoes
// both when its t ends.
func ImageScanner(t *testing.T, in Time, plug func(t *testing.T) ImageRig) {
	run := func(name string, f func(t *testing.T, r ImageRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.limit = in.limit
				within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
				f(t, r)
			})
		})
	}
	run("sees what lies there now", seesNow)
	run("refuses nonsense", refusesDPI)
	run("unplugged before", imageUnpluggedBefore)
	run("unplugged during", imageUnpluggedDuring)
	for m, name := range map[ImageMishap]string{
		PictureCut: "picture cut", PictureSilence: "picture stands still", PictureShort: "picture too short", PictureGarbage: "garbage",
	} {
		run(name, func(t *testing.T, r ImageRig) { imageMishap(t, r, m) })
	}
	run("feeder", feeds)
	run("caller gives up", imageCallerGivesUp)
	run("captures wait for one another", capturesWait)
	run("halts", haltsImageScanner)
}

// Sheet returns a sheet of coarse patches that no other seed gives.
func Sheet(seed byte) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 80, 60))
	x := uint32(seed)*2654435761 + 1
	for y := 0; y < 60; y += 10 {
		for c := 0; c < 80; c += 10 {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			v := 40 + byte(x>>8)%176 // no channel at its end: there, packing rounds one way only
			for i := range 100 {
				m.SetRGBA(c+i%10, y+i/10, color.RGBA{v, v, v, 0xFF})
			}
		}
	}
	return m
}

// moved is the side effect of a picture that was begun and did not come.
func (r ImageRig) moved() device.SideEffect {
	if r.Feeds {
		return device.SideEffectUnknown
	}
	return device.SideEffectNo
}

// sees captures a picture and wants it to be of m.
func (r ImageRig) sees(t *testing.T, m image.Image, dpi int) {
	t.Helper()
	got, err := r.Dev.Capture(t.Context(), dpi)
	if err != nil {
		t.Fatalf("Capture(%d) = %v, want a picture", dpi, err)
	}
	if err := r.Differs(got, r.Shows(m, dpi)); err != "" {
		t.Fatalf("Capture(%d): %s", dpi, err)
	}
}

// Differs says how got is not want; "": it is.
func (r ImageRig) Differs(got, want image.Image) string {
	g, w := got.Bounds(), want.Bounds()
	if g.Size() != w.Size() {
		return "picture is " + g.Size().String() + ", want " + w.Size().String()
	}
	bad := 0
	for y := range w.Dy() {
		for x := range w.Dx() {
			a := color.GrayModel.Convert(got.At(g.Min.X+x, g.Min.Y+y)).(color.Gray)
			b := color.GrayModel.Convert(want.At(w.Min.X+x, w.Min.Y+y)).(color.Gray)
			if d := int(a.Y) - int(b.Y); d > r.Off || d < -r.Off {
				bad++
			}
		}
	}
	if bad > 0 {
		return "picture shows something else"
	}
	return ""
}

func seesNow(t *testing.T, r ImageRig) {
	for seed := range byte(4) {
		m := Sheet(seed)
		r.Hands.Lay(m)
		for _, dpi := range []int{0, 100, 200} {
			r.sees(t, m, dpi)
		}
	}
	if n := r.Hands.Count(); n != 12 {
		t.Errorf("pictures begun: got %d, want 12", n)
	}
}

func refusesDPI(t *testing.T, r ImageRig) {
	_, err := r.Dev.Capture(t.Context(), -1)
	wantError(t, "Capture(-1)", err, device.ErrUnsupported, device.SideEffectNo)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Dev.Capture(ctx, 0)
	wantError(t, "Capture with an ended context", err, context.Canceled, device.SideEffectNo)
	if n := r.Hands.Count(); n != 0 {
		t.Errorf("pictures begun: got %d, want 0", n)
	}
}

// back waits until the scanner is fine again and sees.
func (r ImageRig) back(t *testing.T) {
	t.Helper()
	r.Hands.Replug()
	within(t, r.Dev, r.limit, "online again", func() bool { return r.Dev.Health() == device.Online })
	m := Sheet(99)
	r.Hands.Lay(m)
	r.sees(t, m, 0)
}

func imageUnpluggedBefore(t *testing.T, r ImageRig) {
	r.Hands.Unplug()
	_, err := r.Dev.Capture(t.Context(), 0)
	wantError(t, "Capture", err, device.ErrUnplugged, device.SideEffectNo)
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	r.back(t)
}

func imageUnpluggedDuring(t *testing.T, r ImageRig) {
	r.Hands.Middle(r.Hands.Unplug)
	_, err := r.Dev.Capture(t.Context(), 0)
	wantError(t, "Capture", err, device.ErrUnplugged, r.moved())
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	r.back(t)
}

func imageMishap(t *testing.T, r ImageRig, m ImageMishap) {
	r.Hands.Lay(Sheet(1))
	r.Hands.Next(m)
	begin := r.Hands.Count()
	img, err := r.Dev.Capture(t.Context(), 0)
	if e, ok := errors.AsType[*device.Error](err); !ok || e.SideEffect != r.moved() || img != nil {
		t.Errorf("Capture = %v, %v, want no picture and %v", img, err, r.moved())
	}
	if n := r.Hands.Count() - begin; n != 1 {
		t.Errorf("pictures begun: got %d, want 1: no sheet is drawn in twice", n)
	}
	r.back(t)
}

func feeds(t *testing.T, r ImageRig) {
	if !r.Feeds {
		return // nothing goes through it
	}
	h := r.Hands.(FeederHands)
	for _, v := range []struct {
		paper  device.Paper
		cover  device.Cover
		cause  error
		effect device.SideEffect
		health device.Health
	}{
		{device.PaperOut, device.CoverClosed, device.ErrNoPaper, device.SideEffectNo, device.Online},
		{device.PaperFull, device.CoverOpen, device.ErrCoverOpen, device.SideEffectNo, device.UserError},
		{device.PaperJammed, device.CoverClosed, device.ErrPaperJam, device.SideEffectUnknown, device.UserError},
	} {
		h.SetFeeder(v.paper, v.cover)
		_, err := r.Dev.Capture(t.Context(), 0)
		wantError(t, "Capture", err, v.cause, v.effect)
		within(t, r.Dev, r.limit, "health "+string(v.health), func() bool { return r.Dev.Health() == v.health })
		h.SetFeeder(device.PaperFull, device.CoverClosed)
		m := Sheet(3)
		h.Lay(m)
		r.sees(t, m, 0)
		within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
	}
}

func imageCallerGivesUp(t *testing.T, r ImageRig) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.Hands.Middle(cancel)
	r.Hands.Next(PictureSilence)
	begin := time.Now()
	_, err := r.Dev.Capture(ctx, 0)
	wantError(t, "Capture", err, context.Canceled, r.moved())
	if took := time.Since(begin); took > r.limit {
		t.Errorf("Capture returned after %v, want it when its context ended", took)
	}
	r.back(t)
}

func capturesWait(t *testing.T, r ImageRig) {
	m := Sheet(5)
	r.Hands.Lay(m)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if img, err := r.Dev.Capture(t.Context(), 0); err != nil {
				t.Errorf("Capture = %v, want a picture", err)
			} else if s := r.Differs(img, r.Shows(m, 0)); s != "" {
				t.Error(s)
			}
		})
	}
	all.Wait()
}

func haltsImageScanner(t *testing.T, r ImageRig) {
	under := make(chan struct{})
	r.Hands.Middle(func() { close(under) })
	r.Hands.Next(PictureSilence)
	sent := make(chan error, 1)
	go func() { _, err := r.Dev.Capture(t.Context(), 0); sent <- err }()
	select {
	case <-under:
	case err := <-sent:
		t.Fatalf("Capture = %v, want it to wait", err)
	}
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if took := time.Since(begin); took > r.limit {
		t.Errorf("Halt took %v, want at most %v", took, r.limit)
	}
	wantError(t, "Capture while halting", <-sent, device.ErrHalted, r.moved())
	_, err := r.Dev.Capture(t.Context(), 0)
	wantError(t, "Capture after Halt", err, device.ErrHalted, device.SideEffectNo)
	if h := r.Dev.Health(); h == device.Online {
		t.Errorf("Health after Halt = %v, want not online", h)
	}
}
