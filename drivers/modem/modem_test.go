package modem

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/atmodem"
	"github.com/penjire/penjire/drivers/link/linktest"
)

func TestSplitter(t *testing.T) {
	var s Splitter
	var got []string
	for _, b := range []byte("AT\r\r\nOK\r\n\r\n> \r\n+CMTI: \"SM\",3\r\n" + strings.Repeat("x", 3000) + "\r\nlast\r\nhal") {
		s.Push([]byte{b})
		for l, ok := s.Next(); ok; l, ok = s.Next() {
			got = append(got, l)
		}
	}
	if want := []string{"AT", "OK", ">", `+CMTI: "SM",3`, "last"}; !slices.Equal(got, want) {
		t.Errorf("lines = %q, want %q", got, want)
	}
}

func TestAnswers(t *testing.T) {
	for lines, want := range map[string]device.Registration{
		"+CREG: 0,1": device.Home, "+CREG: 2,5,\"1A2B\",\"00C3\"": device.Roaming, "+CREG: 1": device.RegUnknown,
		"+CREG: 1,\"1A2B\",\"00C3\"": device.RegUnknown, "+CREG: 1|+CREG: 0,2": device.Searching, "": device.RegUnknown, "+CREG: 0,x": device.RegUnknown,
	} {
		if got := registration(strings.Split(lines, "|")); got != want {
			t.Errorf("registration(%q) = %s, want %s", lines, got, want)
		}
	}
	for line, want := range map[string]int{"+CSQ: 17,0": -79, "+CSQ: 0,0": -113, "+CSQ: 31,99": -51, "+CSQ: 99,99": 0, "+CSQ: 32,0": 0, "+CSQ: -1,0": 0, "+CSQ:": 0} {
		if got := dBm([]string{line}); got != want {
			t.Errorf("dBm(%q) = %d, want %d", line, got, want)
		}
	}
	if got := fields(`+COPS: 0,0,"Altyn, Asyr",7`); !slices.Equal(got, []string{"0", "0", "Altyn, Asyr", "7"}) {
		t.Errorf("fields = %q", got)
	}
	if got := code("+CMS ERROR: number +99365123456 is barred"); got != "+CMS ERROR" {
		t.Errorf("code = %q, want nothing of what the modem added", got)
	}
}

// TestPDU: a message in Turkmen, as 23.040 wants it: submit, no reference asked for,
// international number, UCS-2.
func TestPDU(t *testing.T) {
	parts, err := encode("+99365123456", "taýýar")
	if err != nil || len(parts) != 1 {
		t.Fatalf("encode = %d parts, %v, want 1", len(parts), err)
	}
	b, err := parts[0].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	b[1] = 0 // the reference counts
	if got, want := hex.EncodeToString(b), "01000b91"+"9963153254f6"+"00080c"+"0074006100fd00fd00610072"; got != want {
		t.Errorf("PDU = %s, want %s", got, want)
	}
}

// TestSIM: without a SIM, with one that wants a PIN, with a wrong and a right one.
func TestSIM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atmodem.New()
		m.SIM(false, "")
		s := linktest.Plug(t, "modem", m)
		d, err := New(s, Opts{PIN: "1234"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Halt() }()
		signal := func(want device.Registration, h device.Health) {
			t.Helper()
			<-time.After(12 * time.Second)
			got, err := d.Signal(t.Context())
			if got.Registration != want || err != nil || d.Health() != h {
				t.Errorf("Signal = %+v, %v, health %s, want %s and %s", got, err, d.Health(), want, h)
			}
		}
		signal(device.NoSIM, device.UserError)
		err = d.Send(t.Context(), "+99365123456", "x")
		if e, ok := err.(*device.Error); !ok || e.SideEffect != device.SideEffectNo {
			t.Errorf("Send without a SIM = %v, want no side effect", err)
		}
		m.SIM(true, "9999")
		signal(device.NeedsPIN, device.UserError)
		signal(device.NeedsPIN, device.UserError)
		m.SIM(true, "1234") // a wrong PIN was tried, and no other is
		signal(device.NeedsPIN, device.UserError)
		m.SIM(true, "")
		signal(device.Home, device.Online)
	})
	synctest.Test(t, func(t *testing.T) {
		m := atmodem.New()
		m.SIM(true, "1234")
		d, err := New(linktest.Plug(t, "modem", m), Opts{PIN: "1234"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Halt() }()
		<-time.After(time.Second)
		if d.Health() != device.Online {
			t.Errorf("health with the right PIN = %s, want online", d.Health())
		}
		if strings.Contains(d.String(), "1234") {
			t.Error("String holds the PIN")
		}
	})
}

// FuzzLines: whatever a modem says is cut into lines of a known length, and read
// without harm.
func FuzzLines(f *testing.F) {
	const deliver = "07919936595999F9040C9199561032547600086211039030002" + "10C0074006100FD00FD00610072"
	for _, s := range []string{
		"\r\n+CSQ: 17,0\r\n\r\nOK\r\n", "+CREG: 2,1,\"1A2B\",\"00C3\"\r\n", "\r\n> ", "+CMGL: 1,1,,25\r\n" + deliver + "\r\nOK\r\n",
		"+CMS ERROR: 500\r\n", "+COPS: 0,0,\"TMCELL\",7\r\n", "RDY\r\n",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		var s Splitter
		var lines []string
		for step = max(1, min(step, 400)); len(b) > 0; b = b[min(step, len(b)):] {
			s.Push(b[:min(step, len(b))])
			for l, ok := s.Next(); ok; l, ok = s.Next() {
				if len(l) > maxLine || strings.ContainsAny(l, "\r\n") {
					t.Fatalf("line of %d bytes: %q", len(l), l)
				}
				lines = append(lines, l)
			}
			if len(s.buf) > maxLine+400 {
				t.Fatalf("splitter holds %d bytes", len(s.buf))
			}
		}
		registration(lines)
		if d := dBm(lines); d != 0 && (d < -113 || d > -51) {
			t.Errorf("dBm = %d", d)
		}
		for _, m := range assemble(lines) {
			if len(m.parts) == 0 {
				t.Errorf("message %+v stands nowhere", m.parts)
			}
		}
	})
}
