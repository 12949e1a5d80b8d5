package piv_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/emulator/pcscd"
	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/emulator/vpcd"
	"github.com/penjire/penjire/drivers/emulator/vpcd/vpcdtest"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pcsc"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/drivers/pn532"
)

// login is a visit: who is it, the PIN, a proof that the card is there, and a
// signature.
func login(t *testing.T, r device.CardReader, gen uint64) {
	t.Helper()
	p, err := piv.Select(t.Context(), iso7816.On(r, gen))
	if err != nil {
		t.Fatalf("Select = %v, want nil", err)
	}
	if n, err := p.Tries(t.Context()); err != nil || n != 3 {
		t.Errorf("Tries = %d, %v, want 3", n, err)
	}
	if err := p.Challenge(t.Context(), piv.CardAuth, public(t, p, piv.CardAuth)); err != nil {
		t.Errorf("Challenge = %v, want nil", err)
	}
	pub := public(t, p, piv.Signature)
	digest := sha256.Sum256([]byte("request"))
	if _, err := p.Sign(t.Context(), piv.Signature, pub, digest[:], crypto.SHA256); !errors.Is(err, piv.ErrNeedsPIN) {
		t.Errorf("Sign without the PIN = %v, want ErrNeedsPIN", err)
	}
	if err := p.VerifyPIN(t.Context(), pin); err != nil {
		t.Fatalf("VerifyPIN = %v, want nil", err)
	}
	if _, err := p.Sign(t.Context(), piv.Signature, pub, digest[:], crypto.SHA256); err != nil {
		t.Errorf("Sign = %v, want nil", err)
	}
}

// reader is a driver with its reader, and a hand that puts a card into it.
type reader struct {
	dev    device.CardReader
	insert func(*pivcard.Card)
}

func onPTY(t *testing.T, dev pty.Device) link.Port {
	p, err := pty.Attach(filepath.Join(t.TempDir(), "reader"), dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return link.Serial{Path: p.Path()}
}

func must[T device.CardReader](t *testing.T) func(d T, err error) T {
	return func(d T, err error) T {
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Halt(); err != nil {
				t.Error(err)
			}
		})
		return d
	}
}

func onMotor(u crt591emu.Opts) func(t *testing.T) reader {
	return func(t *testing.T) reader {
		unit := crt591emu.New(u)
		d := must[*crt591.Dev](t)(crt591.New(onPTY(t, unit), crt591.Opts{}))
		return reader{d, func(c *pivcard.Card) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for changes := d.Changes(ctx); !unit.Insert(c); {
				if _, open := <-changes; !open {
					t.Fatalf("the gate of %v does not open: %v", d, d.Health())
				}
			}
		}}
	}
}

func onDaemon(o pcscd.Opts) func(t *testing.T) reader {
	return func(t *testing.T) reader {
		daemon := pcscd.New(o)
		s, err := pcscd.Listen(filepath.Join(t.TempDir(), "comm"), daemon)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		d := must[*pcsc.Dev](t)(pcsc.New(link.Unix{Path: s.Path()}, pcsc.Opts{}))
		return reader{d, func(c *pivcard.Card) { daemon.Insert(c) }}
	}
}

// insertVirtual puts c into the real pcscd's virtual reader.
func insertVirtual(t *testing.T, s *vpcdtest.Service, c *pivcard.Card) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		in, err := vpcd.Insert(s.Addr, c)
		if err == nil {
			t.Cleanup(func() { _ = in.Remove() }) // pcscd may have let go of it
			return
		}
		select {
		case <-again.C: // the reader opens its port after pcscd does
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}

// TestLoginThroughEveryReader: the same card behind every reader there is.
func TestLoginThroughEveryReader(t *testing.T) {
	for name, plug := range map[string]func(t *testing.T) reader{
		"PN532 on a serial line": func(t *testing.T) reader {
			chip := new(pn532emu.Chip)
			return reader{must[*pn532.Dev](t)(pn532.New(onPTY(t, chip), pn532.Opts{})), func(c *pivcard.Card) { chip.Insert(c) }}
		},
		"PN532 on SPI": func(t *testing.T) reader {
			chip := new(pn532emu.Chip)
			b := pn532emu.OnBus(chip, 0)
			t.Cleanup(b.End)
			d := must[*pn532.Dev](t)(pn532.New(pn532.SPI{Name: "bus", Bus: b.Open}, pn532.Opts{}))
			return reader{d, func(c *pivcard.Card) { chip.Insert(c) }}
		},
		"CRT-591 over the air":      onMotor(crt591emu.Opts{}),
		"CRT-591, contacts and T=1": onMotor(crt591emu.Opts{Contacts: true}),
		"CRT-591, contacts and T=0": onMotor(crt591emu.Opts{Contacts: true, T0: true}),
		"pcscd, T=1":                onDaemon(pcscd.Opts{}),
		"pcscd, T=0":                onDaemon(pcscd.Opts{T0: true}),
		"pcscd, contactless":        onDaemon(pcscd.Opts{Contactless: true, Minor: 5}),
		"pcsc-lite": func(t *testing.T) reader {
			s := vpcdtest.Start(t)
			d := must[*pcsc.Dev](t)(pcsc.New(link.Unix{Path: s.Socket}, pcsc.Opts{}))
			return reader{d, func(c *pivcard.Card) { insertVirtual(t, s, c) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := plug(t)
			r.insert(specimen(t))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c, err := r.dev.Wait(ctx, 0)
			if err != nil || c == nil {
				t.Fatalf("Wait = %+v, %v, want a card", c, err)
			}
			login(t, r.dev, c.Gen)
		})
	}
}

// TestBesideOpenSC has OpenSC read the card that our driver has, too, in a reader
// of the real pcscd: both see the same, and neither gets the other's answers.
func TestBesideOpenSC(t *testing.T) {
	vpcdtest.Need(t, "opensc-tool", "pkcs15-tool")
	s := vpcdtest.Start(t)
	d := must[*pcsc.Dev](t)(pcsc.New(link.Unix{Path: s.Socket}, pcsc.Opts{Shared: true}))
	card := specimen(t)
	insertVirtual(t, s, card)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := d.Wait(ctx, 0)
	if err != nil || c == nil {
		t.Fatalf("Wait = %+v, %v, want a card", c, err)
	}
	run := func(name string, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Env = append(os.Environ(), "PCSCLITE_CSOCK_NAME="+s.Socket)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return out
	}
	if out := run("opensc-tool", "--name"); !strings.Contains(string(out), "Personal Identity Verification Card") {
		t.Errorf("opensc-tool calls the card %q, want one for Personal Identity Verification", out)
	}
	atr := strings.ToUpper(strings.NewReplacer(":", "", " ", "", "\n", "").Replace(string(run("opensc-tool", "--atr"))))
	if want := strings.ToUpper(hex.EncodeToString(c.ATS)); !strings.Contains(atr, want) {
		t.Errorf("opensc-tool reads the ATR %s, our driver %s", atr, want)
	}
	// OpenSC's number 04 is slot 9E, which wants no PIN.
	file := filepath.Join(t.TempDir(), "cert.pem")
	run("pkcs15-tool", "--read-certificate", "04", "--output", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := pem.Decode(text); b == nil || !bytes.Equal(b.Bytes, card.Certificate(piv.CardAuth)) {
		t.Errorf("pkcs15-tool reads %q, want the certificate of slot 9E", text)
	}
	// OpenSC may have reset the card: then it is another.
	for {
		if c, err = d.Wait(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if _, err = d.Transmit(ctx, c.Gen, []byte{0x00, 0xA4, 0x04, 0x00}); err == nil {
			break
		}
		if !errors.Is(err, device.ErrMediaGone) {
			t.Fatalf("Transmit beside OpenSC = %v, want nil or ErrMediaGone", err)
		}
	}
	login(t, d, c.Gen)
}
