package uitest

import "fmt"

// violation is what axe says of one rule.
type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// Axe returns the violations of WCAG 2.0 to 2.2 A and AA and of axe's best
// practices on the page that is open; none is the only good answer.
func (b *Browser) Axe() []string {
	b.t.Helper()
	if !Eval[bool](b, `"axe" in window`) {
		Eval[int](b, axe+";0")
	}
	found := Eval[[]violation](b, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? ""))})))`)
	var all []string
	for _, v := range found {
		all = append(all, fmt.Sprintf("%s: %s: %q", v.ID, v.Help, v.Nodes))
	}
	return all
}

// measure returns every target of the page and every text that is cut off. It
// runs in the page and measures in pixels. What lies outside the part that a
// scrolled box shows is still measured whole.
const measure = `(() => {
	const out = {targets: [], cut: [], over: [], page: []};
	const seen = e => { const s = getComputedStyle(e), r = e.getBoundingClientRect();
		return s.visibility !== "hidden" && s.display !== "none" && r.width > 1 && r.height > 1 && !e.closest("dialog:not([open])") && !e.closest(".vh"); };
	const name = e => (e.className + " " + (e.textContent || e.name || "")).replace(/\s+/g, " ").trim().slice(0, 50);
	const list = [...document.querySelectorAll("button, a[href], input:not([type=hidden]), textarea, .choice")].filter(seen)
		.filter(e => !document.querySelector("dialog[open]") || e.closest("dialog")) // what lies under a dialog cannot be touched
		.filter(e => !(e.matches("input") && e.closest(".choice")));
	for (const e of list) { const r = e.getBoundingClientRect();
		const kind = e.closest(".osk") ? (e.closest(".pad") ? "pad" : "key") : e.matches(".btn:not(.small), .tile, .choice") ? "primary" : "other";
		out.targets.push({kind, name: name(e), x: r.x, y: r.y, w: r.width, h: r.height, fixed: !e.closest("main")}); }
	for (const e of document.querySelectorAll("h1, h2, p, button, b, small, dd, dt, li, span, input:not([type=hidden]), label, legend, .code")) {
		if (!seen(e) || e.closest(".vh, svg") || e.matches("textarea, .vh")) continue;
		const s = getComputedStyle(e);
		if (s.display === "inline") continue;
		if (e.scrollWidth > e.clientWidth + 2 && !e.matches("input")) out.cut.push(name(e) + " wide " + e.scrollWidth + ">" + e.clientWidth);
		if (e.scrollHeight > e.clientHeight + 3 && s.overflow === "hidden") out.cut.push(name(e) + " high");
		const r = e.getBoundingClientRect();
		if (r.right > innerWidth + 1 || r.left < -1) out.cut.push(name(e) + " leaves the window");
	}
	for (let i = 0; i < list.length; i++) for (let j = i + 1; j < list.length; j++) {
		if (list[i].contains(list[j]) || list[j].contains(list[i])) continue;
		if (!list[i].closest("main") !== !list[j].closest("main")) continue; // a scrolled page may pass under the bar
		if (list[i].matches(".more") || list[j].matches(".more")) continue;
		const a = list[i].getBoundingClientRect(), b = list[j].getBoundingClientRect();
		if (a.left < b.right - .5 && b.left < a.right - .5 && a.top < b.bottom - .5 && b.top < a.bottom - .5) out.over.push(name(list[i]) + " / " + name(list[j]));
	}
	if (document.documentElement.scrollHeight > innerHeight + 1) out.page.push("the page itself scrolls");
	if (document.documentElement.scrollWidth > innerWidth + 1) out.page.push("the page is too wide");
	for (const e of document.querySelectorAll(".bar .btn")) { const r = e.getBoundingClientRect(); if (r.bottom > innerHeight + 1) out.page.push("below the window: " + name(e)); }
	const f = document.querySelector(".typing [data-osk]"), m = document.getElementById("main");
	if (f && m) { const r = f.getBoundingClientRect(), q = m.getBoundingClientRect(); if (r.bottom > q.bottom + 2 || r.top < q.top - 2) out.page.push("the field is not in sight"); }
	return out;
})()`

// Limits are the smallest sides of targets in millimetres: checklist 1 of the
// screens. A key of a keyboard with twelve columns is as wide as it can be.
type Limits struct{ Primary, Other, KeyW, KeyH, Pad float64 }

// Measure returns what is too small, cut off, overlapping or out of the window
// on the page that is open.
func (b *Browser) Measure(l Limits) []string {
	b.t.Helper()
	m := Eval[struct {
		Targets []struct {
			Kind string  `json:"kind"`
			Name string  `json:"name"`
			W    float64 `json:"w"`
			H    float64 `json:"h"`
		} `json:"targets"`
		Cut  []string `json:"cut"`
		Over []string `json:"over"`
		Page []string `json:"page"`
	}](b, measure)
	var bad []string
	if len(m.Targets) == 0 && !Eval[bool](b, `document.body.matches(".p-working, .p-take-card")`) {
		bad = append(bad, "nothing to touch was found")
	}
	for _, t := range m.Targets {
		w, h := l.Other, l.Other
		switch t.Kind {
		case "primary":
			w, h = l.Primary, l.Primary
		case "key":
			w, h = l.KeyW, l.KeyH
		case "pad":
			w, h = l.Pad, l.Pad
		}
		if gotW, gotH := t.W/b.mm, t.H/b.mm; gotW < w-.1 || gotH < h-.1 {
			bad = append(bad, fmt.Sprintf("%s %q is %.1f × %.1f mm, want at least %.0f × %.0f", t.Kind, t.Name, gotW, gotH, w, h))
		}
	}
	for _, c := range m.Cut {
		bad = append(bad, "cut off: "+c)
	}
	for _, o := range m.Over {
		bad = append(bad, "overlap: "+o)
	}
	return append(bad, m.Page...)
}
