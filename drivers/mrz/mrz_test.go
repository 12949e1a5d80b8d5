package mrz_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/mrz"
)

// now is a fixed day, so that centuries do not depend on when tests run.
var now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// specimens are the worked examples of Doc 9303 parts 4 to 7.
var specimens = map[string]string{
	"TD3": "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\n" +
		"L898902C36UTO7408122F1204159ZE184226B<<<<<10",
	"TD2": "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\n" +
		"D231458907UTO7408122F1204159<<<<<<<6",
	"TD1": "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
	"TD1 long": "I<UTOD23145890<7349<<<<<<<<<<<\n" + // 9303-5, 4.2.2.1 note j
		"3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<<<<<<<<<<<<<<",
	"MRV-A": "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\n" +
		"L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
	"MRV-B": "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\n" +
		"L8988901C4XXX4009078F9612109<<<<<<<<",
}

// show is a document as one line; tests may.
func show(d *mrz.Document) string {
	return strings.Join([]string{
		d.Format.String(), d.Code, d.Issuer, d.Nationality, d.Number.Reveal(), d.Surname.Reveal(), d.Given.Reveal(),
		d.Birth.Reveal(), d.Sex.Reveal(), d.Expiry.Reveal(), d.Optional.Reveal(), d.Optional2.Reveal(), d.Key().Reveal(),
	}, "|")
}

func TestSpecimens(t *testing.T) {
	for name, want := range map[string]string{
		"TD3":      "TD3|P|UTO|UTO|L898902C3|ERIKSSON|ANNA MARIA|1974-08-12|F|2012-04-15|ZE184226B||L898902C3674081221204159",
		"TD2":      "TD2|I|UTO|UTO|D23145890|ERIKSSON|ANNA MARIA|1974-08-12|F|2012-04-15|||D23145890774081221204159",
		"TD1":      "TD1|I|UTO|UTO|D23145890|ERIKSSON|ANNA MARIA|1974-08-12|F|2012-04-15|||D23145890774081221204159",
		"TD1 long": "TD1|I|UTO|UTO|D23145890734|STEVENSON|PETER|1934-07-12|M|1995-07-12|||D23145890734934071279507122",
		"MRV-A":    "MRV-A|V|UTO|XXX|L8988901C|ERIKSSON|ANNA MARIA|1940-09-07|F|1996-12-10|6ZE184226B||L8988901C440090789612109",
		"MRV-B":    "MRV-B|V|UTO|XXX|L8988901C|ERIKSSON|ANNA MARIA|1940-09-07|F|1996-12-10|||L8988901C440090789612109",
	} {
		d, err := mrz.Parse([]byte(specimens[name]), mrz.Opts{Now: now})
		if err != nil {
			t.Errorf("Parse(%s) = %v, want nil", name, err)
			continue
		}
		if got := show(d); got != want {
			t.Errorf("Parse(%s) =\n%s, want\n%s", name, got, want)
		}
	}
}

// TestAsReadersGiveIt: line ends, framing, noise around, the same zone twice.
func TestAsReadersGiveIt(t *testing.T) {
	for name, zone := range specimens {
		two := strings.Split(zone, "\n")
		for how, in := range map[string]string{
			"CR":                    strings.Join(two, "\r") + "\r",
			"CRLF":                  strings.Join(two, "\r\n") + "\r\n",
			"no line ends":          strings.Join(two, ""),
			"STX and ETX":           "\x02" + strings.Join(two, "\r") + "\x03",
			"spaces":                " " + strings.Join(two, " \n ") + "  ",
			"noise around":          "*** MRZ ***\n" + zone + "\nPASSPORT / PASSEPORT\n>>>>",
			"other lines of digits": "0123456789\n" + zone + "\n99",
			"twice":                 zone + "\n\n" + zone,
		} {
			d, err := mrz.Parse([]byte(in), mrz.Opts{Now: now})
			if err != nil {
				t.Errorf("Parse(%s, %s) = %v, want nil", name, how, err)
				continue
			}
			var got []string
			for _, l := range d.Lines() {
				got = append(got, l.Reveal())
			}
			if strings.Join(got, "\n") != zone {
				t.Errorf("Parse(%s, %s).Lines = %q, want the specimen", name, how, got)
			}
		}
	}
	_, err := mrz.Parse([]byte(specimens["TD3"]+"\n"+specimens["TD1"]), mrz.Opts{Now: now})
	if !errors.Is(err, mrz.ErrAmbiguous) {
		t.Errorf("Parse of two documents = %v, want ErrAmbiguous", err)
	}
	for _, in := range []string{"", "\r\n", "P<UTO", strings.Repeat("<", 45), specimens["TD3"][:80], "p<uto"} {
		if _, err := mrz.Parse([]byte(in), mrz.Opts{Now: now}); !errors.Is(err, mrz.ErrNoZone) {
			t.Errorf("Parse(%q) = %v, want ErrNoZone", in, err)
		}
	}
}

// TestEveryDigitCounts changes each character that a check digit covers.
func TestEveryDigitCounts(t *testing.T) {
	lines := strings.Split(specimens["TD3"], "\n")
	for i := range lines[1] {
		if i >= 10 && i < 13 || i == 20 {
			continue // nationality and sex: no digit covers them
		}
		b := []byte(lines[1])
		if b[i] == '<' {
			b[i] = '1'
		} else {
			b[i] = '0' + (b[i]-'0'+1)%10
		}
		_, err := mrz.Parse([]byte(lines[0]+"\n"+string(b)), mrz.Opts{Now: now})
		if _, ok := errors.AsType[*mrz.InvalidError](err); !ok {
			t.Errorf("Parse with character %d changed = %v, want an InvalidError", i, err)
		}
	}
}

// faulty are zones with one thing wrong, and the field that must be named.
var faulty = map[string]struct{ old, new, field string }{
	"TD3 personal number without its digit": {"B<<<<<10", "B<<<<<<8", "optional"},
	"TD3 number's digit is a filler":        {"2C36", "2C3<", "number"},
	"TD3 no such format":                    {"P<UTO", "A<UTO", "code"},
	"TD3 a digit in a name":                 {"ANNA", "ANN4", "names"},
	"TD3 no name":                           {"ERIKSSON", "<<<<<<<<", "names"},
	"TD3 no state":                          {"P<UTO", "P<<<<", "issuer"},
	"TD3 a hole in a state":                 {"P<UTO", "P<U<O", "issuer"},
	"TD3 sex":                               {"2F1", "2Q1", "sex"},
	"TD3 30 February":                       {"7408122", "7402302", "birth"},
	"TD3 13th month":                        {"1204159", "1213153", "expiry"},
	"TD3 day 0":                             {"7408122", "7408007", "birth"},
	"MRV-B a digit of the number":           {"8901C4", "8902C4", "number"}, // nothing else covers it there
	"TD1 long number cut off":               {"<7349<", "<<<<<<", "number"},
}

func TestFaults(t *testing.T) {
	for name, f := range faulty {
		kind, _, _ := strings.Cut(name, " ")
		if strings.Contains(name, "long") {
			kind = "TD1 long"
		}
		zone := strings.Replace(specimens[kind], f.old, f.new, 1)
		if zone == specimens[kind] {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, err := mrz.Parse([]byte(zone), mrz.Opts{Now: now})
		e, ok := errors.AsType[*mrz.InvalidError](err)
		if !ok || !slices.ContainsFunc(e.Faults, func(x mrz.Fault) bool { return x.Field == f.field }) {
			t.Errorf("%s: Parse = %v, want a fault of %s", name, err, f.field)
		}
	}
}

func TestPersonalNumberMayBeEmpty(t *testing.T) {
	for _, digit := range []string{"<", "0"} {
		line := "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<" + digit
		line += string(mrz.CheckDigit(line[:10] + line[13:20] + line[21:43]))
		zone := strings.Split(specimens["TD3"], "\n")[0] + "\n" + line
		if d, err := mrz.Parse([]byte(zone), mrz.Opts{Now: now}); err != nil || !d.Optional.IsZero() {
			t.Errorf("Parse with the digit %q = %v, want nil and no optional data", digit, err)
		}
	}
}

// TestRepair: what OCR confuses is put right only where the character cannot
// stand, and only if the digits hold afterwards.
func TestRepair(t *testing.T) {
	for name, c := range map[string]struct {
		kind, old, new string
		repaired       []string // nil: it must stay wrong
	}{
		"O in a date":              {"TD3", "7408122", "74O8122", []string{"birth"}},
		"I, B and S in dates":      {"TD3", "7408122F1204159", "740BI22FI204IS9", []string{"birth", "expiry"}},
		"Z in a check digit":       {"TD3", "7408122", "740812Z", []string{"birth"}},
		"0 in a state":             {"TD3", "P<UTO", "P<UT0", []string{"issuer"}},
		"5 in a name":              {"TD3", "ERIKSSON", "ERIK5SON", []string{"names"}},
		"right as it is":           {"TD3", "", "", []string{}},
		"O for 0 in a number":      {"TD3", "L898902C3", "L8989O2C3", nil}, // may stand there
		"another digit in a date":  {"TD3", "7408122", "7508122", nil},
		"repaired to another date": {"TD3", "7408122", "74O9122", nil},
		"8 for B in a long number": {"TD1 long", "D23145890", "DZ3145890", nil},
	} {
		zone := strings.Replace(specimens[c.kind], c.old, c.new, 1)
		strict, err := mrz.Parse([]byte(zone), mrz.Opts{Now: now})
		if (err == nil) != (c.old == "") {
			t.Errorf("%s: strict Parse = %v, %v", name, strict, err)
		}
		d, err := mrz.Parse([]byte(zone), mrz.Opts{Now: now, Repair: true})
		if (err == nil) != (c.repaired != nil) {
			t.Errorf("%s: Parse = %v, want repaired %v", name, err, c.repaired)
		} else if err == nil && !slices.Equal(d.Repaired, c.repaired) {
			t.Errorf("%s: Repaired = %v, want %v", name, d.Repaired, c.repaired)
		}
	}
}

// TestNothingPersonalPrints: neither a document nor an error shows what was read.
func TestNothingPersonalPrints(t *testing.T) {
	d, err := mrz.Parse([]byte(specimens["TD3"]), mrz.Opts{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	_, bad := mrz.Parse([]byte(strings.Replace(specimens["TD3"], "7408122", "7408123", 1)), mrz.Opts{Now: now})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{d, *d, bad, fmt.Errorf("x: %w", bad)} {
			got := fmt.Sprintf(verb, v)
			for _, secret := range []string{"ERIKSSON", "ANNA", "L898902", "740812", "1974", "ZE184"} {
				if strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
					t.Errorf("Sprintf(%s) shows %s: %s", verb, secret, got)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, z := range specimens {
		f.Add([]byte(z), true)
		f.Add([]byte(strings.ReplaceAll(z, "\n", "")), false)
		f.Add([]byte(strings.NewReplacer("0", "O", "1", "I").Replace(z)), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, repair bool) {
		d, err := mrz.Parse(b, mrz.Opts{Now: now, Repair: repair})
		if err != nil {
			return
		}
		var lines []string
		for _, l := range d.Lines() {
			lines = append(lines, l.Reveal())
		}
		again, err := mrz.Parse([]byte(strings.Join(lines, "\r")), mrz.Opts{Now: now})
		if err != nil || show(again) != show(d) {
			t.Errorf("Parse of its own Lines = %v, %v, want the same document", again, err)
		}
	})
}

func ExampleParse() {
	d, err := mrz.Parse([]byte("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\rL898902C36UTO74O8122F1204159ZE184226B<<<<<10\r"), mrz.Opts{Repair: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Format, d.Issuer, d.Surname, d.Repaired)
	fmt.Println(d.Surname.Reveal())
	// Output:
	// TD3 UTO [personal] [birth]
	// ERIKSSON
}
