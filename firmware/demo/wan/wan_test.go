package wan

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"testing"
	"time"
)

// echo answers with what it got, after the other side has closed its half.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func relay(t *testing.T, target string) *Relay {
	t.Helper()
	r, err := Listen("127.0.0.1:0", func() string { return target })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if s := r.Status(); s.Connections != 0 {
			t.Errorf("closed, the relay has %d connections, want 0", s.Connections)
		}
	})
	return r
}

func dial(t *testing.T, r *Relay) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// All bytes arrive, in order, both ways, and are counted.
func TestUp(t *testing.T) {
	r := relay(t, echo(t))
	c := dial(t, r)
	sent := make([]byte, 300_000)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = c.Write(sent)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("got %d bytes back, want the %d sent (%v)", len(got), len(sent), err)
	}
	if s := r.Status(); s.Sent != 300_000 || s.Received != 300_000 || s.Total != 1 {
		t.Errorf("Status = %+v, want 300000 bytes each way over one connection", s)
	}
}

// Down cuts what is open, and what comes; up lets connections through again.
func TestDown(t *testing.T) {
	r := relay(t, echo(t))
	c := dial(t, r)
	_, _ = c.Write([]byte("a"))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	r.Set(Down)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("read on a cut connection = %v, want it to be cut", err)
	}
	refused(t, r)
	r.Set(Up)
	c = dial(t, r)
	_, _ = c.Write([]byte("b"))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("after the network came back: %v", err)
	}
	if s := r.Status(); s.Sent != 2 {
		t.Errorf("Status = %+v, want 2 bytes sent", s)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// Slow is as slow as it says: twice the delay and the time the bytes take.
func TestSlow(t *testing.T) {
	r := relay(t, echo(t))
	r.Set(Slow)
	c := dial(t, r)
	start := time.Now()
	_, _ = c.Write(make([]byte, 1024))
	if _, err := io.ReadFull(c, make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	least := 2*Delay + 1024*time.Second/Rate // the way back begins with the last byte
	if got := time.Since(start); got < least {
		t.Errorf("1 KiB there and back took %v, want at least %v", got, least)
	}
}

// Mute lets everything through that goes there, and holds what comes back until
// the network is up again.
func TestMute(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := relay(t, l.Addr().String())
	c := dial(t, r)
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	r.Set(Mute)
	_, _ = c.Write([]byte("there"))
	if _, err := io.ReadFull(far, make([]byte, 5)); err != nil {
		t.Fatalf("the way there: %v", err)
	}
	_, _ = far.Write([]byte("back"))
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := c.Read(make([]byte, 4)); !isTimeout(err) {
		t.Fatalf("the way back while mute: read %d bytes, %v, want nothing", n, err)
	}
	r.Set(Up)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 4)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "back" {
		t.Fatalf("after mute: read %q, %v, want what was held", got, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for s := r.Status(); s.Sent != 5 || s.Received != 4; s = r.Status() { // counted after they were written
		if time.Now().After(deadline) {
			t.Fatalf("Status = %+v, want 5 bytes sent and 4 received", s)
		}
		time.Sleep(time.Millisecond)
	}
	// Closing does not wait for what is held.
	r.Set(Mute)
	_, _ = far.Write([]byte("never"))
}

// Nobody there: the connection is cut, not left hanging.
func TestNobody(t *testing.T) {
	refused(t, relay(t, ""))
}

// refused wants a new connection to be cut, at once or as soon as it is there.
func refused(t *testing.T, r *Relay) {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("read = %v, want the connection to be cut", err)
	}
}

// Closing does not wait for what is still crawling along a slow line.
func TestCloseWhileSlow(t *testing.T) {
	r, err := Listen("127.0.0.1:0", func() string { return echo(t) })
	if err != nil {
		t.Fatal(err)
	}
	r.Set(Slow)
	c := dial(t, r)
	_, _ = c.Write(make([]byte, 60_000)) // 15 s of line
	for r.Status().Total == 0 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := time.Since(start); got > 3*time.Second {
		t.Errorf("Close took %v, want it at once", got)
	}
}

func TestParseMode(t *testing.T) {
	if m, err := ParseMode("slow"); m != Slow || err != nil {
		t.Errorf("ParseMode = %v, %v, want slow", m, err)
	}
	if _, err := ParseMode("off"); err == nil {
		t.Error("ParseMode = nil, want an error for off")
	}
}
