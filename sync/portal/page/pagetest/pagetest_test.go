package pagetest_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penjire/penjire/sync/portal/page/pagetest"
)

const good = `<!doctype html><html lang="tk"><head><title>T</title></head><body><h1>H</h1><h2>I</h2>
<form method="post" action="/x"><label for="a">A</label><input id="a" aria-describedby="b"><span id="b">B</span><input type="hidden" name="c"><button>D</button></form>
<img src="/asset/x.svg" alt=""><a href="#a">E</a></body></html>`

func TestFaults(t *testing.T) {
	if f := pagetest.Faults([]byte(good), "tk"); f != nil {
		t.Fatalf("Faults of a good page = %v, want none", f)
	}
	for _, c := range []struct{ from, to, want string }{
		{`lang="tk"`, `lang="ru"`, "html lang"},
		{`<title>T</title>`, ``, "no title"},
		{`<h1>H</h1>`, ``, "0 h1"},
		{`<h2>I</h2>`, `<h1>I</h1>`, "2 h1"},
		{`<h2>I</h2>`, `<h3>I</h3>`, "level 3 follows level 1"},
		{`<h2>I</h2>`, `<h2> </h2>`, "an empty <h2>"},
		{`<label for="a">A</label>`, ``, `control "a" has no label`},
		{`<label for="a">A</label>`, `<label for="a"> </label>`, `control "a" has no label`},
		{`<span id="b">`, `<span id="a">`, `id "a" is there 2 times`},
		{`<span id="b">`, `<span>`, "#b, which is not there"},
		{`<h1>`, `<h1 style="color:red">`, "its own style"},
		{`<h1>`, `<h1 onclick="x()">`, "its own onclick"},
		{`<h2>`, `<script></script><h2>`, "there is a <script>"},
		{`<h2>`, `<style></style><h2>`, "there is a <style>"},
		{`src="/asset/x.svg"`, `src="https://elsewhere.example/x.svg"`, "leads elsewhere"},
		{` alt=""`, ``, "without alt"},
		{`<button>D</button>`, `<button><svg></svg></button>`, "without words"},
		{`<h2>I</h2>`, `<h2>I %!d(string=x)</h2>`, "do not fit"},
		{`</form>`, `</form><label for="z">Z</label><input id="z">`, "in no form"},
	} {
		page := strings.Replace(good, c.from, c.to, 1)
		if page == good {
			t.Fatalf("%q is not in the page", c.from)
		}
		if f := strings.Join(pagetest.Faults([]byte(page), "tk"), "; "); !strings.Contains(f, c.want) {
			t.Errorf("Faults with %q for %q = %q, want %q", c.to, c.from, f, c.want)
		}
	}
}

func TestKeys(t *testing.T) {
	keys, err := pagetest.Keys(fstest.MapFS{
		"x/a.html": {Data: []byte(`{{.T "b"}} {{$.T "a" .X}} {{$.Base.N "c" 3}} {{.T "a"}}`)},
		"x/a.txt":  {Data: []byte(`{{.T "no"}}`)},
	}, "x")
	if got := strings.Join(keys, " "); err != nil || got != "a b c" {
		t.Errorf("Keys = %q, %v, want a b c", got, err)
	}
}
