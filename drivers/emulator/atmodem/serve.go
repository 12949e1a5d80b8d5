package atmodem

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Serve answers on line until it is unplugged. Unplugging is losing power, as for a
// stick on USB; messages stay on the SIM.
func (m *Modem) Serve(line io.ReadWriter) {
	m.mu.Lock()
	m.line, m.s, m.open = line, settings{echo: true}, false
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.line = nil; m.mu.Unlock() }()
	var cmd []byte
	buf := make([]byte, 512)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		for _, b := range buf[:n] {
			m.mu.Lock()
			prompt, echo := m.s.prompt, m.s.echo && !m.faults[Mute]
			m.mu.Unlock()
			switch {
			case prompt && b == 0x1B:
				cmd = nil
				m.endPrompt()
				m.write(line, "\r\nOK\r\n")
			case prompt && b == 0x1A:
				text := string(cmd)
				cmd = nil
				m.endPrompt()
				m.write(line, m.send(text))
			case !prompt && b == '\r':
				c := strings.TrimSpace(string(cmd))
				cmd = nil
				if echo && c != "" {
					m.write(line, c+"\r")
				}
				m.write(line, m.command(c))
			case b == 0x1B || b == '\n' || b == '\r':
			default:
				cmd = append(cmd, b)
				if len(cmd) > 2048 {
					cmd = nil
				}
			}
		}
	}
}

func (m *Modem) endPrompt() { m.mu.Lock(); defer m.mu.Unlock(); m.s.prompt = false }

// take says whether f is planned, and uses it up.
func (m *Modem) take(f Fault) bool {
	had := m.faults[f]
	delete(m.faults, f)
	return had
}

// send is the end of a message's text.
func (m *Modem) send(pdu string) string {
	m.mu.Lock()
	do := m.do
	m.do = nil
	m.mu.Unlock()
	if do != nil {
		do()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.take(Refused):
		return m.failed("+CMS ERROR: 500")
	case m.take(UnsentReboot):
		m.s, m.open = settings{echo: true}, false
		return "\r\nUNDER-VOLTAGE POWER DOWN\r\n\r\nRDY\r\n"
	case m.take(UnsentNoReply):
		return ""
	}
	if !m.launch(pdu) {
		return m.failed("+CMS ERROR: 304") // invalid PDU
	}
	switch {
	case m.take(SentMute):
		return ""
	case m.take(SentReboot):
		m.s, m.open = settings{echo: true}, false
		return "\r\nRDY\r\n"
	}
	m.refs++
	return m.ok("+CMGS: " + itoa(m.refs&0xFF))
}

// launch gives a part to the network, which puts messages together.
func (m *Modem) launch(pdu string) bool {
	b, err := hex.DecodeString(strings.TrimSpace(pdu))
	if err != nil || len(b) < 2 || int(b[0])+1 > len(b) || len(b)-1-int(b[0]) != m.s.length {
		return false
	}
	t, err := sms.Unmarshal(b[1+int(b[0]):], sms.AsMO)
	if err != nil {
		return false
	}
	m.sent = append(m.sent, pdu)
	m.parts = append(m.parts, t)
	if all, _, _, ok := t.ConcatInfo(); ok && len(m.parts) < all {
		return true
	}
	text, err := sms.Decode(m.parts)
	if err == nil {
		m.messages = append(m.messages, Message{t.DA.Number(), string(text)})
	}
	m.parts = []*tpdu.TPDU{}
	return err == nil
}

func (m *Modem) ok(lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, "\r\n%s\r\n", l)
		if i == 0 && m.faults[Talkative] {
			b.WriteString("\r\nRING\r\n\r\n+CREG: 1\r\n\r\n+CMTI: \"SM\",99\r\n")
		}
	}
	if m.faults[Talkative] {
		b.WriteString("\r\n+CUSD: 0,\"Balansyňyz 5 manat\",15\r\n")
	}
	b.WriteString("\r\nOK\r\n")
	return b.String()
}

// failed is an error, with its number if that was asked for.
func (m *Modem) failed(e string) string {
	if m.s.cmee == 0 && strings.HasPrefix(e, "+CME") {
		e = "ERROR"
	}
	return "\r\n" + e + "\r\n"
}

// fixed are commands that have always the same answer.
var fixed = map[string][]string{
	"":             nil,
	"I":            {"SIM800 R14.18"},
	"+CGMI":        {"SIMCOM_Ltd"},
	"+GMI":         {"SIMCOM_Ltd"},
	"+CGMM":        {"SIMCOM_SIM800L"},
	"+GMM":         {"SIMCOM_SIM800L"},
	"+CGMR":        {"Revision:1418B05SIM800L24"},
	"+GMR":         {"Revision:1418B05SIM800L24"},
	"+CGSN":        {"860000000000008"},
	"+GSN":         {"860000000000008"},
	"+CIMI":        {"438020000000001"},
	"+CNMI=?":      {"+CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)"},
	"+CNMI?":       {"+CNMI: 2,1,0,0,0"},
	"+CMGF=?":      {"+CMGF: (0,1)"},
	"+CMGF?":       {"+CMGF: 0"},
	"+CSCA?":       {`+CSCA: "+99365999999",145`},
	"+CSMS?":       {"+CSMS: 0,1,1,1"},
	"+CSCS=?":      {`+CSCS: ("IRA","GSM","UCS2","HEX","PCCP","PCDN","8859-1")`},
	"+CSCS?":       {`+CSCS: "GSM"`},
	"+CPMS=?":      {`+CPMS: ("SM"),("SM"),("SM")`},
	"+CMGD=?":      {"+CMGD: (1-50),(0-4)"},
	"+CPBS=?":      {`+CPBS: ("SM")`},
	"+CMGF=0":      nil,
	"+CSMS=0":      {"+CSMS: 1,1,1"},
	"+CFUN?":       {"+CFUN: 1"},
	"+CBC":         {"+CBC: 0,80,4000"},
	"+COPS=3,2":    nil,
	"+COPS=3,0":    nil,
	"+CREG=0":      nil,
	"+CREG=2":      nil,
	"E0":           nil,
	"E1":           nil,
	"Z":            nil,
	"+CSMP?":       {"+CSMP: 17,167,0,0"},
	"+CSDH=1":      nil,
	"+CSDH=0":      nil,
	"+CPIN?":       nil,
	"+CNMI=2,1":    nil,
	"+CMGL=?":      {"+CMGL: (0-4)"},
	"+CGREG=2":     nil,
	"+CGREG?":      {"+CGREG: 0,1"},
	"+CMEE=1":      nil,
	"+CMEE=2":      nil,
	"+CMEE=0":      nil,
	"+CLIP=1":      nil,
	"+CUSD=1":      nil,
	"+CCLK?":       {`+CCLK: "26/11/30,10:00:00+20"`},
	"+CPBR=?":      {"+CPBR: (1-250),40,14"},
	"+CSMP=17,167": nil,
}

// command obeys a line, and returns what it is answered with.
func (m *Modem) command(c string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.faults[Mute] || len(c) < 2 || !strings.EqualFold(c[:2], "AT") {
		return ""
	}
	c = c[2:]
	sim := ""
	switch {
	case m.noSIM:
		sim = m.failed("+CME ERROR: 10")
	case m.pin != "" && !m.open:
		sim = m.failed("+CME ERROR: 11")
	}
	name, arg, _ := strings.Cut(c, "=")
	switch {
	case c == "E0" || c == "E1":
		m.s.echo = c == "E1"
	case name == "+CMEE" && arg != "?":
		m.s.cmee, _ = strconv.Atoi(arg)
	case c == "+CPIN?" && m.noSIM:
		return sim
	case c == "+CPIN?" && sim != "":
		return m.ok("+CPIN: SIM PIN")
	case c == "+CPIN?":
		return m.ok("+CPIN: READY")
	case name == "+CPIN":
		if m.pin == "" || strings.Trim(arg, `"`) != m.pin {
			return m.failed("+CME ERROR: 16")
		}
		m.open = true
		return m.ok()
	case c == "+CREG?" || c == "+CEREG?":
		return m.ok(c[:len(c)-1] + ": 0," + itoa(m.reg))
	case c == "+CSQ":
		return m.ok("+CSQ: " + itoa(m.rssi) + ",0")
	case c == "+COPS?":
		return m.ok(`+COPS: 0,0,"` + m.operator + `"`)
	case name == "+CPMS" && arg != "?" && sim == "":
		n := itoa(len(m.store)) + ",50"
		return m.ok("+CPMS: " + n + "," + n + "," + n)
	case c == "+CPMS?" && sim == "":
		n := `"SM",` + itoa(len(m.store)) + ",50"
		return m.ok("+CPMS: " + n + "," + n + "," + n)
	case strings.HasPrefix(name, "+CMG") && arg != "?" && name != "+CMGF":
		if sim != "" {
			return sim
		}
		return m.messaging(name, arg)
	}
	if lines, ok := fixed[c]; ok || name == "+CNMI" || name == "+CPMS" || name == "+CSCS" || name == "+CSMP" || name == "+CPBS" {
		return m.ok(lines...)
	}
	return m.failed("+CME ERROR: 4") // not supported
}

// messaging is what is about short messages.
func (m *Modem) messaging(name, arg string) string {
	n, err := strconv.Atoi(strings.Split(arg, ",")[0])
	switch {
	case err != nil:
	case name == "+CMGS":
		if m.take(NoPrompt) {
			return ""
		}
		m.s.prompt, m.s.length = true, n
		return "\r\n> "
	case name == "+CMGL":
		var out []string
		for _, i := range m.stored() {
			out = append(out, fmt.Sprintf("+CMGL: %d,1,,%d\r\n%s", i, len(m.store[i])/2-1, m.store[i]))
		}
		return m.ok(out...)
	case m.store[n] == "":
	case name == "+CMGR":
		return m.ok(fmt.Sprintf("+CMGR: 1,,%d\r\n%s", len(m.store[n])/2-1, m.store[n]))
	case name == "+CMGD":
		delete(m.store, n)
		return m.ok()
	}
	return m.failed("+CMS ERROR: 321") // invalid memory index
}
