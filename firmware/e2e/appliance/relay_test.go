package appliance

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"
)

// TestMain is also the program that QEMU starts for every connection of the machine
// to the portal: «relay HOST:PORT» joins it to standard input and output.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "relay" {
		if err := relay(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "relay:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func relay(to string) error {
	c, err := net.Dial("tcp", to)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(c, os.Stdin) // the guest has closed it, or gone
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.CloseWrite()
		}
	}()
	_, err = io.Copy(os.Stdout, c)
	return err
}

// freePort returns a port of the loopback that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
