package v4l2_test

import (
	"context"
	"errors"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/camera"
	"github.com/penjire/penjire/drivers/v4l2"
)

// hands are an emulated camera's.
type hands struct{ *camera.Camera }

func (h hands) Next(m devicetest.ImageMishap) {
	h.Camera.Next(map[devicetest.ImageMishap]camera.Kind{
		devicetest.PictureCut: camera.Pulled, devicetest.PictureSilence: camera.Still,
		devicetest.PictureShort: camera.Short, devicetest.PictureGarbage: camera.Garbage,
	}[m])
}

// field is so wide that 100 dots an inch are the middle size.
const field = 81

func shows(m image.Image, dpi int) image.Image {
	if dpi == 100 {
		return camera.Picture(m, 320, 240)
	}
	return camera.Picture(m, 640, 480)
}

func drive(t *testing.T, c *camera.Camera, o v4l2.Opts, layout v4l2.Layout) *v4l2.Dev {
	t.Helper()
	o.FieldMM, o.Layout = field, &layout
	o.Open = func(path string) (v4l2.Node, error) { return c.Open(path) }
	d, err := v4l2.New("/dev/video0", o)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
		if open, mapped := c.Held(); open != 0 || mapped != 0 {
			t.Errorf("camera is held by %d, with %d buffers mapped, want none", open, mapped)
		}
	})
	return d
}

func inMemory(o camera.Opts) func(t *testing.T) devicetest.ImageRig {
	return func(t *testing.T) devicetest.ImageRig {
		o.Dark = 4
		c := camera.New(o)
		c.Lay(devicetest.Sheet(0))
		layout := v4l2.Layout64
		if o.Bits32 {
			layout = v4l2.Layout32
		}
		return devicetest.ImageRig{Dev: drive(t, c, v4l2.Opts{}, layout), Hands: hands{c}, Shows: shows, Off: 8}
	}
}

var models = map[string]camera.Opts{
	"both formats": {},
	"MJPEG":        {Formats: []string{"MJPG"}},
	"YUYV":         {Formats: []string{"H264", "YUYV"}},
	"a range":      {Formats: []string{"YUYV"}, Range: true},
	"32 bits":      {Bits32: true},
}

func TestSuite(t *testing.T) {
	for name, o := range models {
		t.Run(name, func(t *testing.T) { devicetest.ImageScanner(t, devicetest.Faked, inMemory(o)) })
	}
}

func TestSuiteInRealTime(t *testing.T) {
	devicetest.ImageScanner(t, devicetest.Real, inMemory(camera.Opts{Frame: time.Millisecond}))
}

// liar is a driver that breaks its contract.
type liar struct{ device.ImageScanner }

func (l liar) Capture(ctx context.Context, dpi int) (image.Image, error) {
	img, err := l.ImageScanner.Capture(ctx, dpi)
	if err != nil {
		return image.NewGray(image.Rect(0, 0, 640, 480)), nil
	}
	return img, err
}

func TestLiar(t *testing.T) {
	if devicetest.Lie() == "" {
		return // TestSuite is the same with the truth
	}
	devicetest.ImageScanner(t, devicetest.Faked, func(t *testing.T) devicetest.ImageRig {
		c := camera.New(camera.Opts{Dark: 4})
		c.Lay(devicetest.Sheet(0))
		o := v4l2.Opts{}
		if devicetest.Lie() == "takes what comes first" {
			o.Warmup = -1
		}
		r := devicetest.ImageRig{Dev: drive(t, c, o, v4l2.Layout64), Hands: hands{c}, Shows: shows, Off: 8}
		if devicetest.Lie() == "makes up a picture" {
			r.Dev = liar{r.Dev}
		}
		return r
	})
}

func TestSuiteCatchesLiars(t *testing.T) {
	devicetest.Caught(t, "TestLiar", "makes up a picture", "takes what comes first")
}

// TestDamaged: pictures that the kernel marks as damaged are left out, and a camera
// that says no sizes, or does not pack, takes pictures all the same.
func TestDamaged(t *testing.T) {
	for name, o := range map[string]camera.Opts{
		"damaged": {}, "no sizes": {Sizes: []image.Point{}}, "32 bits, damaged": {Bits32: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := inMemory(o)(t)
				c := r.Hands.(hands).Camera
				c.Next(camera.Flagged)
				m := devicetest.Sheet(2)
				c.Lay(m)
				got, err := r.Dev.Capture(t.Context(), 0)
				if err != nil {
					t.Fatalf("Capture = %v, want a picture", err)
				}
				if what := r.Differs(got, camera.Picture(m, got.Bounds().Dx(), got.Bounds().Dy())); what != "" {
					t.Error(what)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := inMemory(camera.Opts{Formats: []string{"H264"}})(t)
		if _, err := r.Dev.Capture(t.Context(), 0); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("Capture with a camera of H.264 only = %v, want ErrUnsupported", err)
		}
	})
}
