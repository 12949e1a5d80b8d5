package appliance

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// socket is one that takes what comes from others.
type socket struct {
	protocol string // as the kernel's table is called: tcp6
	at       netip.AddrPort
}

// listening reads the tables in /proc/net, each line with its file before it (grep
// -H): sockets that listen, and all that have no other end.
func listening(tables string) (out []socket, err error) {
	for l := range strings.Lines(tables) {
		file, rest, ok := strings.Cut(strings.TrimSpace(l), ":")
		f := strings.Fields(rest)
		if !ok || len(f) < 4 || f[0] == "sl" {
			continue
		}
		s := socket{protocol: file[strings.LastIndexByte(file, '/')+1:]}
		const listens, unconnected = "0A", "07"
		if state := f[3]; state != listens && (strings.HasPrefix(s.protocol, "tcp") || state != unconnected) {
			continue
		}
		if s.at, err = kernelAddress(f[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", l, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// kernelAddress reads an address as the tables have it: words of 32 bits, each with
// its last byte first, and a port.
func kernelAddress(s string) (netip.AddrPort, error) {
	at, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(at)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", s, err)
	}
	for w := range slices.Chunk(b, 4) {
		slices.Reverse(w)
	}
	a, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", s, err)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}

// TestListening finds what listens in tables as the kernel writes them, on a machine
// of little-endian processors.
func TestListening(t *testing.T) {
	got, err := listening(`/proc/net/tcp:  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
/proc/net/tcp:   0: 0100007F:1E64 00000000:0000 0A 00000000:00000000 00:00000000 00000000   800        0 7 1 0 100 0 0 10 0
/proc/net/tcp:   1: 0F02000A:8C3E 0402000A:01BB 01 00000000:00000000 00:00000000 00000000   800        0 8 1 0 20 4 30 10 -1
/proc/net/tcp6:   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 9 1 0 100 0 0 10 0
/proc/net/tcp6:   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 9 1 0 100 0 0 10 0
/proc/net/udp:  88: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 0 0
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []socket{
		{"tcp", netip.MustParseAddrPort("127.0.0.1:7780")},
		{"tcp6", netip.MustParseAddrPort("[::]:22")},
		{"tcp6", netip.MustParseAddrPort("[::1]:631")},
		{"udp", netip.MustParseAddrPort("0.0.0.0:68")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("listening = %v, want %v", got, want)
	}
}
