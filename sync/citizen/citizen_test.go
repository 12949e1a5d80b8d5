package citizen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/citizen"
)

const secret = "8051-NUSGAYEWA"

// holder keeps personal data in unexported fields, where fmt calls no methods.
type holder struct {
	text    citizen.Text
	id      citizen.ID
	answers citizen.Answers
	person  citizen.Person
}

func values(t *testing.T) map[string]any {
	t.Helper()
	id, err := citizen.ParseID(secret)
	if err != nil {
		t.Fatal(err)
	}
	text := citizen.NewText(secret)
	answers := citizen.NewAnswers(map[string]string{"street": secret})
	person := citizen.Person{ID: id, Surname: text, Name: text, Patronymic: text}
	return map[string]any{
		"text": text, "id": id, "answers": answers, "person": person,
		"pointer":    &person,
		"slice":      []citizen.Text{text},
		"unexported": holder{text, id, answers, person},
		"error":      fmt.Errorf("read %v: %w", text, errors.New("no")),
	}
}

// TestPromisePrivate_PersonalDataDoesNotPrint tries every way a value gets into
// a log or an error by accident (DESIGN 1.5; EG-14.3).
func TestPromisePrivate_PersonalDataDoesNotPrint(t *testing.T) {
	leaks := func(s string) bool {
		return strings.Contains(s, "8051") || strings.Contains(s, "NUSGAYEWA") ||
			strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", "8051"))
	}
	for name, v := range values(t) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			if got := fmt.Sprintf(verb, v); leaks(got) {
				t.Errorf("%s: Sprintf(%s) = %s", name, verb, got)
			}
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		if leaks(out.String()) {
			t.Errorf("%s: slog wrote %s", name, out.String())
		}
		if b, err := json.Marshal(v); leaks(string(b)) {
			t.Errorf("%s: json.Marshal = %s, %v", name, b, err)
		}
	}
}

// TestTheTestCanFail shows that the check above sees a plain string.
func TestTheTestCanFail(t *testing.T) {
	if got := fmt.Sprintf("%v", struct{ s string }{secret}); !strings.Contains(got, "8051") {
		t.Errorf("Sprintf of a plain string = %q: the leak test would see nothing", got)
	}
}

func TestParseID(t *testing.T) {
	for _, tc := range []struct {
		in, want string
		ok       bool
	}{
		{"i-aş 123456", "", false},
		{"12 34-56", "123456", true},
		{"ab1234567", "AB1234567", true},
		{"12345", "", false},
		{strings.Repeat("1", 21), "", false},
		{"", "", false},
	} {
		got, err := citizen.ParseID(tc.in)
		if (err == nil) != tc.ok || got.Reveal() != tc.want {
			t.Errorf("ParseID(%q) = %q, %v, want %q, ok %v", tc.in, got.Reveal(), err, tc.want, tc.ok)
		}
		if err != nil && tc.in != "" && strings.Contains(err.Error(), tc.in) {
			t.Errorf("ParseID(%q): the error repeats it: %v", tc.in, err)
		}
	}
}

func TestMasked(t *testing.T) {
	id, err := citizen.ParseID("1234567890")
	if err != nil {
		t.Fatal(err)
	}
	p := citizen.Person{ID: id, Surname: citizen.NewText("Çaryýewa"), Name: citizen.NewText("Aýna")}
	if got, want := p.Masked(), "Aýna Ç."; got != want {
		t.Errorf("Masked = %q, want %q", got, want)
	}
	if got, want := id.Masked(), "•••• 7890"; got != want {
		t.Errorf("Masked = %q, want %q", got, want)
	}
}

func TestAnswersAreCopies(t *testing.T) {
	a := citizen.NewAnswers(map[string]string{"a": "1"})
	b := a.With("a", "2").With("b", "3")
	if got := a.Get("a"); got != "1" {
		t.Errorf("With changed the original: Get = %q, want 1", got)
	}
	if got := b.With("b", "").Names(); len(got) != 1 || got[0] != "a" {
		t.Errorf("Names = %q, want [a]", got)
	}
	var zero citizen.Answers
	if zero.Get("x") != "" || len(zero.Names()) != 0 || zero.With("x", "1").Get("x") != "1" {
		t.Error("the zero Answers cannot be read and extended")
	}
}

func ExampleText() {
	fmt.Println("street:", citizen.NewText("Magtymguly şaýoly"))
	// Output: street: [personal]
}
