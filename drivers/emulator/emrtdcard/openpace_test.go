package emrtdcard_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/iso7816"
)

// openPACE is the library of that name, behind a program that does only its
// arithmetic. The frames around it are made here by hand, for neither our reader
// nor our card to have a say in them.
type openPACE struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// buildOpenPACE compiles the program.
func buildOpenPACE(t *testing.T) string {
	t.Helper()
	gcc := need(t, "gcc", "gcc", "PACE was not checked against OpenPACE")
	if _, err := os.Stat("/usr/include/eac/pace.h"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer OpenPACE is missing: %v (apt-get install libeac-dev)", err)
		}
		t.Skip("LEFT OUT: the peer OpenPACE is not installed; PACE was not checked against it")
	}
	program := filepath.Join(t.TempDir(), "openpace")
	if out, err := run(t, ".", nil, gcc, "-Wall", "-Wno-deprecated-declarations", "-o", program, "testdata/openpace.c", "-leac", "-lcrypto"); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return program
}

func startOpenPACE(t *testing.T, program string) *openPACE {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // killed with the test's context, if not before
	})
	return &openPACE{t, in, bufio.NewScanner(out)}
}

// ask sends a command and returns the answer's bytes; «ok» and «no» as they are.
func (o *openPACE) ask(command string, data []byte) []byte {
	o.t.Helper()
	line := strings.TrimSpace(command + " " + hex.EncodeToString(data))
	if _, err := fmt.Fprintln(o.in, line); err != nil {
		o.t.Fatalf("OpenPACE: %s: %v", command, err)
	}
	if !o.out.Scan() {
		o.t.Fatalf("OpenPACE: %s: no answer: %v", command, o.out.Err())
	}
	b, err := hex.DecodeString(o.out.Text())
	if err != nil {
		return o.out.Bytes()
	}
	return b
}

// must is ask for what has to be answered with «ok».
func (o *openPACE) must(command string, data []byte) {
	o.t.Helper()
	if got := o.ask(command, data); string(got) != "ok" {
		o.t.Fatalf("OpenPACE: %s: %q", command, got)
	}
}

func (o *openPACE) start(w emrtdcard.PACE, secret string) {
	o.t.Helper()
	name := map[sm.Suite]string{
		sm.TDES: "id-PACE-ECDH-GM-3DES-CBC-CBC", sm.AES128: "id-PACE-ECDH-GM-AES-CBC-CMAC-128",
		sm.AES192: "id-PACE-ECDH-GM-AES-CBC-CMAC-192", sm.AES256: "id-PACE-ECDH-GM-AES-CBC-CMAC-256",
	}[w.Suite]
	o.must(fmt.Sprintf("init %s %d", name, w.Params), nil)
	o.must("secret "+secret, nil)
}

// blocks pads b as ISO 9797-1 method 2 does.
func blocks(b []byte, n int) []byte {
	b = append(bytes.Clone(b), 0x80)
	return append(b, make([]byte, (n-len(b)%n)%n)...)
}

func (o *openPACE) unpad(b []byte) []byte {
	o.t.Helper()
	b = bytes.TrimRight(b, "\x00")
	if !bytes.HasSuffix(b, []byte{0x80}) {
		o.t.Fatalf("OpenPACE deciphered %X, which is not padded", b)
	}
	return b[:len(b)-1]
}

// card90 is the specimen's zone on an identity card: OpenPACE knows no other
// format.
const card90 = "I<UTOD231458907<<<<<<<<<<<<<<<" +
	"7408122F3504152UTO<<<<<<<<<<<2" +
	"ERIKSSON<<ANNA<MARIA<<<<<<<<<<"

// ways are the suites and curves that are tried with OpenPACE. Debian's is built
// without integrated mapping.
var ways = []emrtdcard.PACE{
	emrtdcard.Way(sm.AES128, 13), emrtdcard.Way(sm.AES128, 12), emrtdcard.Way(sm.AES192, 15), emrtdcard.Way(sm.AES256, 17),
	emrtdcard.Way(sm.AES256, 18), emrtdcard.Way(sm.TDES, 10), emrtdcard.Way(sm.AES128, 16),
}

func cardProfile(t *testing.T, w emrtdcard.PACE) emrtdcard.Profile {
	t.Helper()
	i, _ := specimen(t, w)
	p, err := emrtdcard.SpecimenWith(i, card90, w.Suite, w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOpenPACEOpensTheCard has OpenPACE be the reader.
func TestOpenPACEOpensTheCard(t *testing.T) {
	program := buildOpenPACE(t)
	for _, w := range ways {
		for _, secret := range []string{"can " + emrtdcard.CAN, "mrz " + card90} {
			t.Run(fmt.Sprintf("%v on %d, %s", w.Suite, w.Params, secret[:3]), func(t *testing.T) {
				o := startOpenPACE(t, program)
				card := emrtdcard.New(cardProfile(t, w))
				card.Activate()
				o.start(w, secret)
				ref := byte(2)
				if strings.HasPrefix(secret, "mrz") {
					ref = 1
				}
				o.paceAsReader(card, w, ref)
				o.readAsReader(card, w.Suite)
			})
		}
	}
}

// paceAsReader goes through PACE with a card.
func (o *openPACE) paceAsReader(card *emrtdcard.Card, w emrtdcard.PACE, ref byte) {
	t := o.t
	t.Helper()
	send := func(apdu ...byte) []byte {
		t.Helper()
		r := card.Transmit(apdu)
		if !bytes.HasSuffix(r, []byte{0x90, 0x00}) {
			t.Fatalf("card answers %X to %X", r, apdu)
		}
		return r[:len(r)-2]
	}
	step := func(cla byte, tag byte, v []byte) []byte {
		t.Helper()
		var body []byte
		if v != nil {
			body = iso7816.AppendTLV(nil, uint32(tag), v)
		}
		body = iso7816.AppendTLV(nil, 0x7C, body)
		out := send(append(append([]byte{cla, 0x86, 0, 0, byte(len(body))}, body...), 0)...)
		inner, err := lds.Only(out, 0x7C)
		if err != nil {
			t.Fatal(err)
		}
		v, err = lds.Only(inner, uint32(tag)+1)
		if v == nil {
			v, err = lds.Only(inner, 0x80)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	send(0x00, 0x22, 0xC1, 0xA4, 0x0F, 0x80, 0x0A, 0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x04, 0x02, byte(w.Suite), 0x83, 0x01, ref)
	o.must("denonce", step(0x10, 0, nil))
	o.must("mapped", step(0x10, 0x81, o.ask("map", nil)))
	peer := step(0x10, 0x83, o.ask("key", nil))
	o.must("shared", peer)
	o.must("check", step(0x00, 0x85, o.ask("token", peer)))
	o.must("secure", nil)
}

// readAsReader selects the application and EF.COM and reads it, protected.
func (o *openPACE) readAsReader(card *emrtdcard.Card, s sm.Suite) {
	t := o.t
	t.Helper()
	n := s.BlockSize()
	protected := func(ins, p1, p2 byte, data []byte, le byte) []byte {
		t.Helper()
		o.must("count", nil)
		header := []byte{0x0C, ins, p1, p2}
		var body []byte
		if data != nil {
			body = iso7816.AppendTLV(nil, 0x87, append([]byte{1}, o.ask("encrypt", blocks(data, n))...))
		} else {
			body = []byte{0x97, 1, le}
		}
		body = iso7816.AppendTLV(body, 0x8E, o.ask("mac", append(blocks(header, n), blocks(body, n)...)))
		r := card.Transmit(append(append(append(header, byte(len(body))), body...), 0))
		if !bytes.HasSuffix(r, []byte{0x90, 0x00}) {
			t.Fatalf("card answers %X to protected %02X", r, ins)
		}
		r = r[:len(r)-2]
		o.must("count", nil)
		code, err := iso7816.FindTLV(r, 0x8E)
		if err != nil {
			t.Fatal(err)
		}
		if want := o.ask("mac", blocks(r[:len(r)-10], n)); !bytes.Equal(code, want) {
			t.Fatalf("card's code %X, OpenPACE's %X", code, want)
		}
		v, err := iso7816.FindTLV(r, 0x87)
		if err != nil {
			return nil
		}
		return o.unpad(o.ask("decrypt", v[1:]))
	}
	protected(0xA4, 0x04, 0x0C, emrtd.AID, 0)
	protected(0xA4, 0x02, 0x0C, []byte{0x01, 0x1E}, 0)
	if got := protected(0xB0, 0, 0, nil, 24); !bytes.Equal(got, card.File(lds.COM)) {
		t.Errorf("OpenPACE read EF.COM as %X, want %X", got, card.File(lds.COM))
	}
}
