package v4l2

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"golang.org/x/sys/unix"
)

// TestRequests has the numbers that linux/videodev2.h gives on amd64 and arm64, and
// on arm with times of 64 bits.
func TestRequests(t *testing.T) {
	for name, v := range map[string]struct{ got, want uint32 }{
		"QUERYCAP":           {queryCap(), 0x80685600},
		"ENUM_FMT":           {enumFormat(), 0xC0405602},
		"S_FMT, 64 bits":     {Layout64.setFormat(), 0xC0D05605},
		"S_FMT, 32 bits":     {Layout32.setFormat(), 0xC0CC5605},
		"REQBUFS":            {requestBuffers(), 0xC0145608},
		"QUERYBUF, 64 bits":  {Layout64.queryBuffer(), 0xC0585609},
		"QUERYBUF, 32 bits":  {Layout32.queryBuffer(), 0xC0505609},
		"QBUF, 64 bits":      {Layout64.queue(), 0xC058560F},
		"QBUF, 32 bits":      {Layout32.queue(), 0xC050560F},
		"DQBUF, 64 bits":     {Layout64.dequeue(), 0xC0585611},
		"DQBUF, 32 bits":     {Layout32.dequeue(), 0xC0505611},
		"STREAMON":           {streamOn(), 0x40045612},
		"STREAMOFF":          {streamOff(), 0x40045613},
		"ENUM_FRAMESIZES":    {enumSizes(), 0xC02C564A},
		"pixel format YUYV":  {fourYUYV, 0x56595559},
		"pixel format MJPEG": {fourMJPEG, 0x47504A4D},
	} {
		if v.got != v.want {
			t.Errorf("%s = %#x, want %#x", name, v.got, v.want)
		}
	}
}

// TestCompilerAgrees has gcc say where the header of this machine puts the fields.
func TestCompilerAgrees(t *testing.T) {
	l := native()
	devicetest.Header(t, "linux/videodev2.h", []devicetest.Place{
		{What: "sizeof(struct v4l2_format)", Is: int64(l.formatSize)},
		{What: "offsetof(struct v4l2_format, fmt)", Is: int64(l.formatAt)},
		{What: "sizeof(struct v4l2_buffer)", Is: int64(l.bufferSize)},
		{What: "offsetof(struct v4l2_buffer, memory)", Is: int64(l.memory)},
		{What: "offsetof(struct v4l2_buffer, m)", Is: int64(l.m)},
		{What: "offsetof(struct v4l2_buffer, length)", Is: int64(l.length)},
		{What: "offsetof(struct v4l2_buffer, bytesused)", Is: 8},
		{What: "offsetof(struct v4l2_buffer, flags)", Is: 12},
		{What: "offsetof(struct v4l2_capability, capabilities)", Is: 84},
		{What: "offsetof(struct v4l2_capability, device_caps)", Is: 88},
		{What: "offsetof(struct v4l2_fmtdesc, pixelformat)", Is: 44},
		{What: "offsetof(struct v4l2_frmsizeenum, type)", Is: 8},
		{What: "offsetof(struct v4l2_frmsizeenum, stepwise.min_height)", Is: 24},
		{What: "offsetof(struct v4l2_pix_format, bytesperline)", Is: 16},
		{What: "offsetof(struct v4l2_pix_format, sizeimage)", Is: 20},
		{What: "VIDIOC_QUERYCAP", Is: int64(queryCap())},
		{What: "VIDIOC_ENUM_FMT", Is: int64(enumFormat())},
		{What: "VIDIOC_S_FMT", Is: int64(l.setFormat())},
		{What: "VIDIOC_REQBUFS", Is: int64(requestBuffers())},
		{What: "VIDIOC_QUERYBUF", Is: int64(l.queryBuffer())},
		{What: "VIDIOC_QBUF", Is: int64(l.queue())},
		{What: "VIDIOC_DQBUF", Is: int64(l.dequeue())},
		{What: "VIDIOC_STREAMON", Is: int64(streamOn())},
		{What: "VIDIOC_STREAMOFF", Is: int64(streamOff())},
		{What: "VIDIOC_ENUM_FRAMESIZES", Is: int64(enumSizes())},
		{What: "V4L2_CAP_VIDEO_CAPTURE", Is: capVideoCapture},
		{What: "V4L2_CAP_STREAMING", Is: capStreaming},
		{What: "V4L2_CAP_DEVICE_CAPS", Is: capDevice},
		{What: "V4L2_BUF_FLAG_ERROR", Is: flagError},
		{What: "V4L2_MEMORY_MMAP", Is: memoryMap},
		{What: "V4L2_PIX_FMT_YUYV", Is: int64(fourYUYV)},
		{What: "V4L2_PIX_FMT_MJPEG", Is: int64(fourMJPEG)},
		{What: "V4L2_PIX_FMT_JPEG", Is: int64(fourJPEG)},
	})
}

// TestTables: the tables that cameras leave out are those that Go's encoder writes.
func TestTables(t *testing.T) {
	var b bytes.Buffer
	m := image.NewRGBA(image.Rect(0, 0, 16, 16))
	m.Set(3, 3, color.White)
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	at := bytes.Index(whole, []byte{0xFF, 0xC4})
	if at < 0 || !bytes.HasPrefix(whole[at:], tables) {
		t.Fatalf("DHT segment = % X, want % X", whole[at:at+40], tables)
	}
	bare := append(bytes.Clone(whole[:at]), whole[at+len(tables):]...)
	if _, err := jpeg.Decode(bytes.NewReader(bare)); err == nil {
		t.Error("Decode without tables = nil, want an error: nothing was taken out")
	}
	if _, err := jpeg.Decode(bytes.NewReader(withTables(bare))); err != nil {
		t.Errorf("Decode with tables = %v", err)
	}
	if !bytes.Equal(withTables(whole), whole) {
		t.Error("withTables changed a picture that has its own")
	}
}

// TestYUYV: ends and middle of the limited range, and lines with something behind.
func TestYUYV(t *testing.T) {
	f := frame{width: 2, height: 2, stride: 6, format: fourYUYV}
	m, err := f.develop([]byte{16, 128, 235, 128, 9, 9, 126, 128, 0, 128, 9, 9})
	if err != nil {
		t.Fatalf("develop = %v, want nil", err)
	}
	for i, want := range []uint8{0, 255, 128, 0} {
		if got := color.GrayModel.Convert(m.At(i%2, i/2)).(color.Gray).Y; got != want {
			t.Errorf("dot %d = %d, want %d", i, got, want)
		}
	}
	if _, err := f.develop(make([]byte, 11)); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("develop of a short frame = %v, want ErrProtocol", err)
	}
}

// TestFile has the real layer meet what is no camera, and what is not there.
func TestFile(t *testing.T) {
	t.Cleanup(devicetest.Leaks(t))
	for path, want := range map[string]error{"/dev/null": device.ErrUnsupported, "/dev/video-absent": device.ErrUnplugged} {
		d, err := New(path, Opts{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Capture(t.Context(), 0); !errors.Is(err, want) {
			t.Errorf("Capture at %s = %v, want %v", path, err, want)
		}
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
}

// TestAwait: what a wait ends with.
func TestAwait(t *testing.T) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	soon := func() time.Time { return time.Now().Add(20 * time.Millisecond) }
	if err := await(p[0], wake, soon()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("await of nothing = %v, want ErrDeadlineExceeded", err)
	}
	if _, err := unix.Write(p[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := await(p[0], wake, soon()); err != nil {
		t.Errorf("await of something = %v, want nil", err)
	}
	if _, err := unix.Read(p[0], make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Close(p[1]); err != nil {
		t.Fatal(err)
	}
	if err := await(p[0], wake, soon()); !errors.Is(err, unix.ENODEV) {
		t.Errorf("await of a far end that is gone = %v, want ENODEV", err)
	}
	if _, err := unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	if err := await(p[0], wake, soon()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("await when closed = %v, want ErrClosed", err)
	}
	if err := errors.Join(unix.Close(p[0]), unix.Close(wake)); err != nil {
		t.Fatal(err)
	}
}

func FuzzFrame(f *testing.F) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 16, 8)), nil); err != nil {
		f.Fatal(err)
	}
	at := bytes.Index(b.Bytes(), []byte{0xFF, 0xC4})
	f.Add(b.Bytes(), false)
	f.Add(append(bytes.Clone(b.Bytes()[:at]), b.Bytes()[at+len(tables):]...), false)
	f.Add(make([]byte, 16*8*2), true)
	f.Fuzz(func(t *testing.T, b []byte, yuyv bool) {
		fr := frame{width: 16, height: 8, stride: 32, format: fourMJPEG}
		if yuyv {
			fr.format = fourYUYV
		}
		if m, err := fr.develop(b); err == nil && m.Bounds().Size() != image.Pt(16, 8) {
			t.Errorf("develop = %v, want 16 by 8", m.Bounds())
		}
	})
}
