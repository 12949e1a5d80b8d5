package v4l2_test

import (
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/v4l2"
)

// vivid returns the camera that the kernel's driver vivid makes up, or leaves the test
// out where the kernel has none: it is there in a guest with the module loaded.
func vivid(t *testing.T) (path string) {
	t.Helper()
	nodes, _ := filepath.Glob("/sys/devices/platform/vivid.*/video4linux/video*")
	if len(nodes) == 0 {
		if os.Getenv("PENJIRE_VIVID") == "require" {
			t.Fatal("vivid is missing")
		}
		t.Skip("LEFT OUT: this kernel has no vivid; pictures were not taken with a camera of the kernel's: make nightly does")
	}
	return filepath.Join("/dev", filepath.Base(nodes[0]))
}

// bars are the colours of a picture of vivid's, from left to right.
var bars = []color.RGBA{
	{191, 191, 191, 255},
	{191, 191, 0, 255},
	{0, 191, 191, 255},
	{0, 191, 0, 255},
	{191, 0, 191, 255},
	{191, 0, 0, 255},
	{0, 0, 191, 255},
	{0, 0, 0, 255},
}

// wrong says where img does not show the bars.
func wrong(t *testing.T, img image.Image) {
	t.Helper()
	r := img.Bounds()
	for i, want := range bars {
		at := image.Pt(r.Min.X+(2*i+1)*r.Dx()/16, r.Max.Y-r.Dy()/16) // below what vivid writes on it
		got := color.RGBAModel.Convert(img.At(at.X, at.Y)).(color.RGBA)
		for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
			if d < -24 || d > 24 {
				t.Errorf("bar %d of a picture of %v at %v: got %v, want about %v", i, r.Size(), at, got, want)
				break
			}
		}
	}
}

func plugged(t *testing.T, d *v4l2.Dev, want device.Health) time.Duration {
	t.Helper()
	begun := time.Now()
	changes := d.Changes(t.Context())
	for end := time.After(10 * time.Second); d.Health() != want; {
		select {
		case <-changes:
		case <-end:
			t.Fatalf("health %v after 10 s, want %v", d.Health(), want)
		}
	}
	return time.Since(begun)
}

// TestKernelCamera takes pictures in several sizes with the kernel's own ioctls.
func TestKernelCamera(t *testing.T) {
	d, err := v4l2.New(vivid(t), v4l2.Opts{FieldMM: field, MaxWidth: 640, Warmup: 1, Frame: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	plugged(t, d, device.Online)
	for _, dpi := range []int{0, 100, 0} {
		img, err := d.Capture(t.Context(), dpi)
		if err != nil {
			t.Fatalf("Capture(%d) = %v, want a picture", dpi, err)
		}
		if got := img.Bounds().Dx(); got < dpi*field*10/254 {
			t.Errorf("Capture(%d): a picture %d wide, want at least %d", dpi, got, dpi*field*10/254)
		}
		wrong(t, img)
	}
	if err := d.Halt(); err != nil {
		t.Error(err)
	}
}

// TestKernelCameraIsRemoved takes the camera away while it takes pictures.
func TestKernelCameraIsRemoved(t *testing.T) {
	path := vivid(t)
	driver := func(what string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join("/sys/bus/platform/drivers/vivid", what), []byte("vivid.0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	d, err := v4l2.New(path, v4l2.Opts{FieldMM: field, MaxWidth: 320, Warmup: 1, Poll: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	plugged(t, d, device.Online)
	for range 3 {
		failed := make(chan error, 1)
		go func() {
			for {
				img, err := d.Capture(t.Context(), 0)
				if err != nil {
					failed <- err
					return
				}
				wrong(t, img)
			}
		}()
		driver("unbind")
		select {
		case err := <-failed:
			if !errors.Is(err, device.ErrUnplugged) {
				t.Errorf("Capture of a camera that left = %v, want ErrUnplugged", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("Capture of a camera that left does not return")
		}
		missed := plugged(t, d, device.NoDevice)
		driver("bind")
		found := plugged(t, d, device.Online)
		t.Logf("missed after %v, found after %v", missed, found)
		if missed > 4*time.Second || found > 4*time.Second { // emulated, as every instruction is
			t.Errorf("missed after %v, found after %v, want 4 s", missed, found)
		}
		img, err := d.Capture(t.Context(), 0)
		if err != nil {
			t.Fatalf("Capture when it is back = %v, want a picture", err)
		}
		wrong(t, img)
	}
	if err := d.Halt(); err != nil {
		t.Error(err)
	}
}
