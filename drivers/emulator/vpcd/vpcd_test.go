package vpcd

import (
	"bytes"
	"net"
	"testing"
)

type echo struct{ resets int }

func (e *echo) Activate() (uid, ats []byte) { e.resets++; return nil, nil }

func (e *echo) Transmit(apdu []byte) []byte { return append(bytes.Clone(apdu), 0x90, 0) }

// A reader speaks to the card as pcscd's driver does.
func TestSlot(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	card := new(echo)
	s, err := Insert(l.Addr().String(), card)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(body []byte, want []byte) {
		t.Helper()
		if err := send(reader, body); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			return
		}
		if got, err := receive(reader); err != nil || !bytes.Equal(got, want) {
			t.Errorf("answer to % x = % x, %v; want % x", body, got, err, want)
		}
	}
	ask([]byte{1}, nil)
	ask([]byte{4}, ATR)
	ask([]byte{2}, nil)
	ask([]byte{9}, nil)
	ask([]byte{0, 0xA4, 4, 0}, []byte{0, 0xA4, 4, 0, 0x90, 0})
	if card.resets != 2 {
		t.Errorf("the card was reset %d times, want 2", card.resets)
	}
	if err := s.Remove(); err != nil {
		t.Errorf("Remove = %v", err)
	}
	if err := s.Remove(); err == nil {
		t.Error("Remove of a card that is out = nil")
	}
	// A reader that goes away lets go of the card.
	if s, err = Insert(l.Addr().String(), card); err != nil {
		t.Fatal(err)
	}
	if reader, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if _, err := Insert("127.0.0.1:0", card); err == nil {
		t.Error("Insert where there is no reader = nil")
	}
}
