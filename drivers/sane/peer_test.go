package sane_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/sane"
)

// TestSaned has the driver scan at Debian's saned with SANE's own test backend,
// and compares the pictures with those of scanimage, which reads the same backend
// without a network.
func TestSaned(t *testing.T) {
	for prog, pkg := range map[string]string{"saned": "sane-utils", "scanimage": "sane-utils"} {
		if _, err := exec.LookPath(prog); err != nil {
			devicetest.LeftOut(t, "the driver was not tried against saned", err.Error()+" (apt-get install "+pkg+")")
		}
	}
	config := t.TempDir()
	for name, text := range map[string]string{"dll.conf": "test\n", "saned.conf": "localhost\n127.0.0.1\n", "test.conf": "number_of_devices 1\n"} {
		if err := os.WriteFile(filepath.Join(config, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SANE_CONFIG_DIR", config)
	addr := startSaned(t)

	for _, v := range []struct {
		mode, picture string
		dpi           int
		options       map[string]string
	}{
		{"Gray", "Color pattern", 50, nil},
		{"Color", "Color pattern", 75, nil},
		{"Gray", "Grid", 100, map[string]string{"source": "Automatic Document Feeder"}},
		{"Color", "Solid white", 25, map[string]string{"hand-scanner": "true"}}, // does not know its number of lines
	} {
		o := map[string]string{"test-picture": v.picture}
		maps.Copy(o, v.options)
		d := drive(t, addr, sane.Opts{Mode: v.mode, Options: o, Stall: 20 * time.Second, Start: 20 * time.Second})
		got, err := d.Capture(t.Context(), v.dpi)
		if err != nil {
			t.Errorf("Capture %v = %v, want a picture", v, err)
			continue
		}
		args := []string{"-d", "test:0", "--format=pnm", "--depth", "8", "--mode", v.mode, "--resolution", fmt.Sprint(v.dpi)}
		for k, s := range o {
			if s == "true" {
				s = "yes"
			}
			args = append(args, "--"+k+"="+s)
		}
		raw, err := exec.CommandContext(t.Context(), "scanimage", args...).Output()
		if err != nil {
			t.Fatalf("scanimage %q: %v", args, err)
		}
		samePicture(t, fmt.Sprint(v), got, pnm(t, raw))
	}

	for status, want := range map[string]error{
		"SANE_STATUS_JAMMED": device.ErrPaperJam, "SANE_STATUS_COVER_OPEN": device.ErrCoverOpen, "SANE_STATUS_NO_DOCS": device.ErrNoPaper,
	} {
		d := drive(t, addr, sane.Opts{Options: map[string]string{"read-return-value": status}, Stall: 20 * time.Second, Start: 20 * time.Second})
		if _, err := d.Capture(t.Context(), 50); !errors.Is(err, want) {
			t.Errorf("Capture with %s = %v, want %v", status, err, want)
		}
	}
	d := drive(t, addr, sane.Opts{Device: "test:9", Answer: 20 * time.Second})
	if _, err := d.Capture(t.Context(), 50); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Capture with a scanner that is not there = %v, want ErrUnplugged", err)
	}
}

// startSaned starts saned and returns its address.
func startSaned(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	cmd := exec.Command("saned", "-l", "-e", "-d3", "-b", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start saned: %v", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with the children it made for each connection
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("saned said:\n%s", said)
		}
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return addr
		}
		<-tick.C
	}
	t.Fatalf("saned at %s does not answer", addr)
	return ""
}

// pnm reads a picture of scanimage's: P5 or P6 with one comment.
func pnm(t *testing.T, b []byte) image.Image {
	t.Helper()
	var kind string
	var w, h, most int
	lines := bytes.SplitN(b, []byte("\n"), 5)
	if len(lines) != 5 {
		t.Fatalf("scanimage wrote %.60q", b)
	}
	if _, err := fmt.Sscanf(string(lines[0])+" "+string(lines[2])+" "+string(lines[3]), "%s %d %d %d", &kind, &w, &h, &most); err != nil || most != 255 {
		t.Fatalf("scanimage wrote %.60q: %v", b, err)
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	pix := lines[4]
	for i := range w * h {
		c := color.RGBA{A: 0xFF}
		if kind == "P6" {
			c.R, c.G, c.B = pix[3*i], pix[3*i+1], pix[3*i+2]
		} else {
			c.R, c.G, c.B = pix[i], pix[i], pix[i]
		}
		m.SetRGBA(i%w, i/w, c)
	}
	return m
}

func samePicture(t *testing.T, what string, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Errorf("%s: picture is %v, want %v", what, got.Bounds(), want.Bounds())
		return
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			gr, gg, gb, _ := got.At(x, y).RGBA()
			wr, wg, wb, _ := want.At(x, y).RGBA()
			if gr != wr || gg != wg || gb != wb {
				t.Errorf("%s: dot %d in line %d: got %v, want %v", what, x, y, got.At(x, y), want.At(x, y))
				return
			}
		}
	}
}
