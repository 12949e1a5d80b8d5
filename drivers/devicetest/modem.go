package devicetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// ModemRig is a modem's driver with the modem it drives in reach.
type ModemRig struct {
	Dev   device.Modem
	Hands ModemHands
	limit time.Duration
}

// ModemHands are what can be done to a modem and its network, and what can be seen.
type ModemHands interface {
	// Network sets the registration and signal; dBm 0: unknown.
	Network(r device.Registration, dBm int)
	// Sent are the messages that the network has taken, whole, oldest first, as
	// number and text; Parts how many parts they had.
	Sent() [][2]string
	Parts() int
	// Deliver has a message come; missing: a long one, of which only the first part does.
	Deliver(from, text string, at time.Time, missing bool)
	// Stored is how many parts of messages the modem holds.
	Stored() int
	Unplug()
	Replug()
	Next(m ModemMishap)
	// Heal ends mishaps that go on.
	Heal()
}

// ModemMishap is something that goes wrong.
type ModemMishap int

// The mishaps.
const (
	ModemNoPrompt     ModemMishap = 1 // it does not ask for the text
	ModemSentMute     ModemMishap = 2 // the network takes the message, and the modem says nothing
	ModemSentReboot   ModemMishap = 3 // … and the modem restarts
	ModemUnsentReboot ModemMishap = 4 // the modem restarts, and the message is not sent
	ModemRefused      ModemMishap = 5 // the network refuses it
	ModemDumb         ModemMishap = 6 // answers nothing, until Heal
	ModemTalkative    ModemMishap = 7 // what nobody asked for comes in between, until Heal
	ModemPulled       ModemMishap = 8 // it is unplugged when it has the text
	ModemUnsentMute   ModemMishap = 9 // it is not sent, and the modem says nothing
)

// Personal is what no error and no name may hold.
const (
	personalNumber = "+99365123456"
	personalText   = "Arzaňyz taýýar: şu gün ýygnaň"
)

// Modem runs the suite of device.Modem in the kind of time given.
func Modem(t *testing.T, in Time, plug func(t *testing.T) ModemRig) {
	run := func(name string, f func(t *testing.T, r ModemRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.limit = in.limit
				r.online(t)
				f(t, r)
			})
		})
	}
	run("says how it stands to the network", saysNetwork)
	run("sends", sends)
	run("refuses what is no number or text", refusesMessages)
	run("receives", receives)
	run("waits for all parts", waitsForParts)
	run("keeps what nobody has taken", keepsMail)
	run("is not confused by what nobody asked for", talkative)
	for name, m := range modemMishaps {
		run(name, func(t *testing.T, r ModemRig) { mishapToMessage(t, r, m) })
	}
	run("falls dumb", dumbModem)
	run("replug", replugModem)
	run("callers give up", modemCallerGivesUp)
	run("serves many", servesManyMessages)
	run("halts", haltsModem)
}

func (r ModemRig) online(t *testing.T) {
	t.Helper()
	within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
}

// discreet fails the test if err holds something personal.
func discreet(t *testing.T, err error) {
	t.Helper()
	s := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, p := range []string{personalNumber[1:], personalNumber[4:], "Arza", "taýýar"} {
		if strings.Contains(s, p) {
			t.Errorf("error holds a number or a text: %s", s)
		}
	}
}

func saysNetwork(t *testing.T, r ModemRig) {
	for _, want := range []device.Signal{
		{Registration: device.Home, DBm: -113},
		{Registration: device.Roaming, DBm: -51},
		{Registration: device.Searching},
		{Registration: device.Denied, DBm: -79},
		{Registration: device.NotRegistered},
	} {
		r.Hands.Network(want.Registration, want.DBm)
		got, err := r.Dev.Signal(t.Context())
		if err != nil || got.Registration != want.Registration || got.DBm != want.DBm {
			t.Errorf("Signal = %+v, %v, want %+v", got, err, want)
		}
	}
}

func sends(t *testing.T, r ModemRig) {
	long := strings.Repeat("Заявка готова. Arzaňyz taýýar. ", 8)
	var want [][2]string
	for _, text := range []string{"Arza 123", personalText, "äÄçÇžŽňŇöÖşŞüÜýÝ", "№ Ёё €{}[]", strings.Repeat("A", 160), strings.Repeat("A", 161), strings.Repeat("ý", 70), strings.Repeat("ý", 71), long} {
		if err := r.Dev.Send(t.Context(), personalNumber, text); err != nil {
			t.Fatalf("Send of %d bytes = %v, want nil", len(text), err)
		}
		want = append(want, [2]string{personalNumber, text})
	}
	if got := r.Hands.Sent(); !slices.Equal(got, want) {
		t.Errorf("sent: %q, want %q", got, want)
	}
	if n, want := r.Hands.Parts(), 4+1+2+1+2+4; n != want {
		t.Errorf("parts: %d, want %d", n, want)
	}
}

func refusesMessages(t *testing.T, r ModemRig) {
	for _, c := range [][2]string{{"", "x"}, {"+99365\r12345", "x"}, {"+", "x"}, {"1234567890123456", "x"}, {personalNumber, ""}, {personalNumber, strings.Repeat("ý", 2000)}} {
		err := r.Dev.Send(t.Context(), c[0], c[1])
		if e, ok := errors.AsType[*device.Error](err); !ok || e.SideEffect != device.SideEffectNo {
			t.Errorf("Send(%q, %d bytes) = %v, want an error without side effect", c[0], len(c[1]), err)
		}
		discreet(t, err)
	}
	if n := r.Hands.Parts(); n != 0 {
		t.Errorf("parts sent: %d, want none", n)
	}
}

// received takes n messages.
func (r ModemRig) received(t *testing.T, n int) []device.SMS {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*r.limit)
	defer cancel()
	var out []device.SMS
	for range n {
		m, err := r.Dev.Received(ctx)
		if err != nil {
			t.Fatalf("Received = %v after %d messages, want %d", err, len(out), n)
		}
		out = append(out, m)
	}
	return out
}

func receives(t *testing.T, r ModemRig) {
	at := time.Date(2026, 11, 30, 9, 30, 0, 0, time.FixedZone("", 5*3600))
	texts := []string{"Salam", personalText, strings.Repeat("Хочу узнать. ", 20), "Salam"}
	for _, s := range texts {
		r.Hands.Deliver(personalNumber, s, at, false)
	}
	var got []string
	for _, m := range r.received(t, len(texts)) {
		if m.From != personalNumber || !m.At.Equal(at) {
			t.Errorf("message is from %q at %v, want %q at %v", m.From, m.At, personalNumber, at)
		}
		got = append(got, m.Text)
	}
	if !slices.Equal(got, texts) {
		t.Errorf("texts: %q, want %q", got, texts)
	}
	if n := r.Hands.Stored(); n != 0 {
		t.Errorf("modem holds %d parts after all were taken, want none", n)
	}
	r.nothingMore(t)
}

func (r ModemRig) nothingMore(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.Dev.Received(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Received with nothing there = %v, want the context's error", err)
	}
}

func waitsForParts(t *testing.T, r ModemRig) {
	r.Hands.Deliver("+99361000000", strings.Repeat("ý", 100), time.Now(), true)
	r.Hands.Deliver(personalNumber, personalText, time.Now(), false)
	if got := r.received(t, 1); got[0].Text != personalText {
		t.Errorf("text: %q, want the message that is whole", got[0].Text)
	}
	r.nothingMore(t)
	if n := r.Hands.Stored(); n != 1 {
		t.Errorf("modem holds %d parts, want the one that waits for another", n)
	}
}

// keepsMail: what came while nobody asked, or while the modem was away, is there.
func keepsMail(t *testing.T, r ModemRig) {
	r.Hands.Deliver(personalNumber, personalText, time.Now(), false)
	r.Hands.Unplug()
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	if n := r.Hands.Stored(); n != 1 {
		t.Fatalf("modem holds %d messages that nobody took, want 1", n)
	}
	r.Hands.Deliver(personalNumber, "ikinji", time.Now(), false)
	r.Hands.Replug()
	r.online(t)
	got := r.received(t, 2)
	if got[0].Text != personalText || got[1].Text != "ikinji" {
		t.Errorf("texts: %q and %q", got[0].Text, got[1].Text)
	}
	r.nothingMore(t)
}

func talkative(t *testing.T, r ModemRig) {
	r.Hands.Network(device.Roaming, -79)
	r.Hands.Next(ModemTalkative)
	for range 3 {
		if s, err := r.Dev.Signal(t.Context()); err != nil || s.Registration != device.Roaming || s.DBm != -79 {
			t.Errorf("Signal = %+v, %v, want roaming at -79 dBm", s, err)
		}
		if err := r.Dev.Send(t.Context(), personalNumber, personalText); err != nil {
			t.Errorf("Send = %v, want nil", err)
		}
		r.Hands.Deliver(personalNumber, personalText, time.Now(), false)
		if got := r.received(t, 1); got[0].Text != personalText {
			t.Errorf("text: %q", got[0].Text)
		}
	}
	if n := len(r.Hands.Sent()); n != 3 {
		t.Errorf("sent: %d, want 3", n)
	}
}
