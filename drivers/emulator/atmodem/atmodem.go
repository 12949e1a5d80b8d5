// Package atmodem is a GSM modem in software, for the far end of a line: it has a
// SIM, a network, and a store for messages; says things that nobody asked for, at
// bad moments; and restarts when its voltage falls. gammu, which did not write it,
// takes it for a modem.
//
// # Reference
//
// 3GPP TS 27.005 and 27.007; SIMCom "SIM800 Series AT Command Manual" V1.09 for how it
// starts and what it says unasked.
package atmodem

import (
	"encoding/hex"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
)

// Fault is something that goes wrong with the next message that is sent, once, or
// with all that is said.
type Fault int

// The faults.
const (
	NoPrompt      Fault = 1 // there is no prompt
	SentMute      Fault = 2 // it is sent, and the modem does not say so
	SentReboot    Fault = 3 // it is sent, and the modem restarts
	UnsentReboot  Fault = 4 // the modem restarts before it is sent
	Refused       Fault = 5 // the network refuses it
	Mute          Fault = 6 // nothing is answered, until Heal
	Talkative     Fault = 7 // something unasked comes within each answer, until Heal
	UnsentNoReply Fault = 8 // it is not sent, and the modem does not say so
)

// Message is a message that was sent.
type Message struct{ To, Text string }

// Modem is the modem. Make it with New.
type Modem struct {
	mu       sync.Mutex
	line     io.Writer
	out      sync.Mutex // held for one writing
	pin      string     // that the SIM wants; "": none
	noSIM    bool
	open     bool // the PIN was given
	reg      int
	rssi     int
	operator string
	store    map[int]string
	sent     []string // PDUs
	parts    []*tpdu.TPDU
	messages []Message
	refs     int
	faults   map[Fault]bool
	do       func() // when the text of a message is whole, before it is sent
	s        settings
}

// settings are lost with the power.
type settings struct {
	echo, prompt bool
	cmee, length int
}

// New returns a modem with a SIM, at home in its network.
func New() *Modem {
	return &Modem{reg: 1, rssi: 17, operator: "TMCELL", store: map[int]string{}, faults: map[Fault]bool{}, s: settings{echo: true}}
}

// Network sets how it stands to its network, as +CREG says it, and the signal.
func (m *Modem) Network(reg, rssi int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reg, m.rssi = reg, rssi
}

// SIM takes the SIM out, or puts one in that wants a PIN.
func (m *Modem) SIM(there bool, pin string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noSIM, m.pin, m.open = !there, pin, false
}

// Inject plans a fault; Heal ends all.
func (m *Modem) Inject(f Fault) { m.mu.Lock(); defer m.mu.Unlock(); m.faults[f] = true }

// Heal takes all faults back.
func (m *Modem) Heal() { m.mu.Lock(); defer m.mu.Unlock(); clear(m.faults) }

// BeforeSend has f done when the text of the next message is whole.
func (m *Modem) BeforeSend(f func()) { m.mu.Lock(); defer m.mu.Unlock(); m.do = f }

// Sent returns the messages that the network has taken, whole.
func (m *Modem) Sent() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Message(nil), m.messages...)
}

// Parts returns how many parts the network has taken.
func (m *Modem) Parts() int { m.mu.Lock(); defer m.mu.Unlock(); return len(m.sent) }

// Stored returns how many parts of messages lie in the store.
func (m *Modem) Stored() int { m.mu.Lock(); defer m.mu.Unlock(); return len(m.store) }

// Deliver has a message come, in parts if it is long. missing: only the first comes.
func (m *Modem) Deliver(from, text string, at time.Time, missing bool) error {
	parts, err := sms.Encode([]byte(text), sms.AsDeliver, sms.From(from))
	if err != nil {
		return err
	}
	if missing {
		parts = parts[:1]
	}
	for _, p := range parts {
		p.SCTS = tpdu.Timestamp{Time: at}
		b, err := p.MarshalBinary()
		if err != nil {
			return err
		}
		m.mu.Lock()
		i := 1
		for m.store[i] != "" {
			i++
		}
		m.store[i] = "00" + strings.ToUpper(hex.EncodeToString(b))
		m.mu.Unlock()
		m.Say(`+CMTI: "SM",` + itoa(i))
	}
	return nil
}

// Say has the modem say something that nobody asked for.
func (m *Modem) Say(line string) {
	m.mu.Lock()
	w := m.line
	m.mu.Unlock()
	if w != nil {
		m.write(w, "\r\n"+line+"\r\n")
	}
}

// Brownout restarts the modem, as a supply does that is too weak for a burst.
func (m *Modem) Brownout() {
	m.mu.Lock()
	m.s, m.open = settings{echo: true}, false
	m.mu.Unlock()
	m.Say("RDY")
	m.Say("+CFUN: 1")
	m.Say("Call Ready")
}

func (m *Modem) write(w io.Writer, s string) {
	m.out.Lock()
	defer m.out.Unlock()
	_, _ = io.WriteString(w, s) // a line that is gone is seen by Serve's next Read
}

// stored returns the places in the store that are taken, in order.
func (m *Modem) stored() []int {
	var out []int
	for i := range m.store {
		out = append(out, i)
	}
	sort.Ints(out)
	return out
}
