package firmata_test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
)

// client is what firmata-io is told to do: ask the board what it is, read pin 2
// with its pull-up, and set pin 13.
const client = `
const {Firmata} = require('firmata-io');
const [host, port] = process.argv.slice(1);
const b = new Firmata(require('net').connect(+port, host));
b.on('ready', () => {
  console.log('ready', b.firmware.name, b.firmware.version.major, b.firmware.version.minor, b.pins.length);
  b.pinMode(13, b.MODES.OUTPUT);
  b.digitalWrite(13, 1);
  b.queryPinState(13, () => console.log('D13', b.pins[13].mode, b.pins[13].state));
  b.pinMode(2, b.MODES.PULLUP);
  b.digitalRead(2, v => console.log('D2', v));
});`

// TestFirmataIO has firmata-io, which knows nothing of us, use the emulated board.
func TestFirmataIO(t *testing.T) {
	c := devicetest.Node(t, "firmata-io")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	board := new(firmataemu.Board)
	board.Set(2, true)
	go func() {
		if conn, err := l.Accept(); err == nil {
			board.Serve(conn)
			_ = conn.Close()
		}
	}()
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Args = append(c.Args, "-e", client, host, port)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
	defer func() {
		stop.Stop()
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	}()
	want := map[string]bool{"ready P 2 5 20": true, "D13 1 1": true, "D2 1": true}
	lines := bufio.NewScanner(out)
	for len(want) > 0 && lines.Scan() {
		if !want[lines.Text()] {
			t.Errorf("firmata-io says %q, want one of %v", lines.Text(), want)
		}
		delete(want, lines.Text())
	}
	if len(want) > 0 {
		rest, _ := io.ReadAll(out)
		t.Fatalf("firmata-io never said %v; %s", want, rest)
	}
	if high, ok := board.Output(13); !high || !ok {
		t.Errorf("pin 13 is %v, output %v, want high", high, ok)
	}
	board.Set(2, false)
	if !lines.Scan() || lines.Text() != "D2 0" {
		t.Errorf("firmata-io says %q when pin 2 goes low, want D2 0", lines.Text())
	}
}
