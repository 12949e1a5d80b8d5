package devicetest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// messageMishap is a mishap and what Send must make of it.
type messageMishap struct {
	m      ModemMishap
	effect device.SideEffect
	cause  error
	sent   int
}

var modemMishaps = map[string]messageMishap{
	"no prompt":                  {ModemNoPrompt, device.SideEffectNo, device.ErrTimeout, 0},
	"sent without a word":        {ModemSentMute, device.SideEffectUnknown, device.ErrTimeout, 1},
	"not sent, without a word":   {ModemUnsentMute, device.SideEffectUnknown, device.ErrTimeout, 0},
	"sent, and restarts":         {ModemSentReboot, device.SideEffectUnknown, device.ErrProtocol, 1},
	"restarts before it is sent": {ModemUnsentReboot, device.SideEffectUnknown, device.ErrProtocol, 0},
	"refused by the network":     {ModemRefused, device.SideEffectNo, device.ErrProtocol, 0},
	"unplugged with the text":    {ModemPulled, device.SideEffectUnknown, device.ErrUnplugged, 0},
}

// mishapToMessage: nothing is sent a second time, and the next message is.
func mishapToMessage(t *testing.T, r ModemRig, m messageMishap) {
	r.Hands.Next(m.m)
	err := r.Dev.Send(t.Context(), personalNumber, personalText)
	wantError(t, "Send", err, m.cause, m.effect)
	discreet(t, err)
	r.Hands.Replug()
	r.online(t)
	if n := len(r.Hands.Sent()); n > 1 || m.m != ModemPulled && n != m.sent {
		t.Errorf("sent: %d, want %d", n, m.sent)
	}
	n := len(r.Hands.Sent())
	if err := r.Dev.Send(t.Context(), personalNumber, "indiki"); err != nil {
		t.Errorf("Send afterwards = %v, want nil", err)
	}
	if got := r.Hands.Sent(); len(got) != n+1 || got[n][1] != "indiki" {
		t.Errorf("sent: %d, want the next message and no other after it", len(got))
	}
}

func dumbModem(t *testing.T, r ModemRig) {
	r.Hands.Next(ModemDumb)
	begin := time.Now()
	err := r.Dev.Send(t.Context(), personalNumber, personalText)
	wantError(t, "Send", err, device.ErrTimeout, device.SideEffectNo)
	if d := time.Since(begin); d > 10*r.limit {
		t.Errorf("Send took %v, want at most %v", d, 10*r.limit)
	}
	within(t, r.Dev, 10*r.limit, "hardwareError", func() bool { return r.Dev.Health() == device.HardwareError })
	if s, err := r.Dev.Signal(t.Context()); err == nil || s.Registration != device.RegUnknown || s.DBm != 0 {
		t.Errorf("Signal = %+v, %v, want unknown and an error", s, err)
	}
	r.Hands.Heal()
	within(t, r.Dev, 5*r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
}

func replugModem(t *testing.T, r ModemRig) {
	for range 2 {
		r.Hands.Unplug()
		within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
		wantError(t, "Send", r.Dev.Send(t.Context(), personalNumber, personalText), device.ErrUnplugged, device.SideEffectNo)
		r.Hands.Replug()
		r.online(t)
	}
	if err := r.Dev.Send(t.Context(), personalNumber, personalText); err != nil {
		t.Errorf("Send = %v, want nil", err)
	}
}

func modemCallerGivesUp(t *testing.T, r ModemRig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Send", r.Dev.Send(ctx, personalNumber, personalText), context.Canceled, device.SideEffectNo)
	r.Hands.Next(ModemSentMute)
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	wantError(t, "Send", r.Dev.Send(ctx, personalNumber, personalText), context.DeadlineExceeded, device.SideEffectUnknown)
	if n := len(r.Hands.Sent()); n != 1 {
		t.Errorf("sent: %d, want 1", n)
	}
}

func servesManyMessages(t *testing.T, r ModemRig) {
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if err := r.Dev.Send(t.Context(), personalNumber, strings.Repeat("ý", 80+i)); err != nil {
				t.Errorf("Send %d = %v, want nil", i, err)
			}
			if _, err := r.Dev.Signal(t.Context()); err != nil {
				t.Errorf("Signal %d = %v, want nil", i, err)
			}
		})
	}
	all.Wait()
	got := map[string]bool{}
	for _, s := range r.Hands.Sent() {
		got[s[1]] = true
	}
	if len(got) != 4 {
		t.Errorf("different messages sent: %d, want 4", len(got))
	}
}

func haltsModem(t *testing.T, r ModemRig) {
	r.Hands.Next(ModemSentMute)
	sent, got := make(chan error, 1), make(chan error, 1)
	go func() { sent <- r.Dev.Send(t.Context(), personalNumber, personalText) }()
	go func() { _, err := r.Dev.Received(t.Context()); got <- err }()
	for end := time.Now().Add(r.limit); r.Hands.Parts() == 0 && time.Now().Before(end); {
		<-time.After(10 * time.Millisecond) // nothing announces it
	}
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if d := time.Since(begin); d > r.limit {
		t.Errorf("Halt took %v, want at most %v", d, r.limit)
	}
	wantError(t, "Send while halting", <-sent, device.ErrHalted, device.SideEffectUnknown)
	wantError(t, "Received while halting", <-got, device.ErrHalted, device.SideEffectNo)
	wantError(t, "Send after Halt", r.Dev.Send(t.Context(), personalNumber, personalText), device.ErrHalted, device.SideEffectNo)
}
