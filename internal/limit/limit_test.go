package limit

import (
	"sync"
	"testing"
	"time"
)

// fill takes places for the key until there is none for it, and returns how many it got.
func fill(p *Places[string], key string) (n int) {
	for p.Take(key, 1) {
		n++
	}
	return n
}

func TestNobodyTakesEveryPlace(t *testing.T) {
	t.Parallel()
	p := NewPlaces[string](120)
	for i, want := range []int{60, 30, 15, 8, 4, 2, 1} { // whoever comes finds half of what is free
		key := string(rune('a' + i))
		if got := fill(p, key); got != want {
			t.Errorf("%s got %d places, want %d", key, got, want)
		}
	}
	p.Give("a", 60)
	if got := fill(p, "new"); got != 30 {
		t.Errorf("after the first has left, one who is new gets %d places", got)
	}
	if got := fill(p, "a"); got != 15 {
		t.Errorf("and the first, as another one who is new, %d", got)
	}
}

func TestTwoWhoTakeAllTheyGetAreEqual(t *testing.T) {
	t.Parallel()
	p := NewPlaces[string](99)
	fill(p, "a")
	for range 200 { // each gives back one and takes what it may, in turns
		for _, key := range []string{"a", "b"} {
			if held, _ := p.Held(key); held > 0 {
				p.Give(key, 1)
			}
			p.Take(key, 1)
		}
		if held, _ := p.Held("a"); held > 33 { // work ends
			p.Give("a", 1)
		}
		p.Take("b", 1)
	}
	a, taken := p.Held("a")
	b, _ := p.Held("b")
	if a != 33 || b != 33 || taken != 66 {
		t.Errorf("a holds %d, b %d of %d taken", a, b, taken)
	}
}

func TestPlacesOfOneAndOfNoLimit(t *testing.T) {
	t.Parallel()
	one := NewPlaces[string](1)
	if !one.Take("a", 1) || one.Take("a", 1) || one.Take("b", 1) {
		t.Error("one place is not one place")
	}
	one.Give("a", 1)
	one.Retake("a", 1)
	if one.Take("b", 1) {
		t.Error("a place that was taken again is free")
	}
	for _, p := range []*Places[string]{nil, {}, NewPlaces[string](0)} {
		for range 10_000 {
			if !p.Take("a", 1) {
				t.Fatal("no limit, and no place")
			}
		}
		p.Give("a", 10_000)
		p.Retake("a", 1)
	}
}

func TestManyUnitsAtOnce(t *testing.T) {
	t.Parallel()
	p := NewPlaces[string](100)
	if p.Take("a", 51) || !p.Take("a", 50) || p.Take("b", 26) || !p.Take("b", 25) {
		t.Error("half of what is free is not what was given")
	}
	p.Give("a", 50)
	p.Give("b", 25)
	if _, taken := p.Held("a"); taken != 0 || len(p.held) != 0 {
		t.Errorf("%d are taken by %d keys in the end", taken, len(p.held))
	}
}

func TestPlacesTogether(t *testing.T) {
	t.Parallel()
	p := NewPlaces[int](64)
	var wg sync.WaitGroup
	for key := range 8 {
		wg.Go(func() {
			for range 1000 {
				if p.Take(key, 1) {
					p.Give(key, 1)
				}
			}
		})
	}
	wg.Wait()
	if _, taken := p.Held(0); taken != 0 || len(p.held) != 0 {
		t.Errorf("%d are taken in the end", taken)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	var p Pace[string]
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	rate := Rate{PerSecond: 2, Burst: 3}
	check := func(key string, want time.Duration) {
		t.Helper()
		if got := p.Take(key, rate, now); got != want {
			t.Errorf("%s has to wait %s, want %s", key, got, want)
		}
	}
	for range 3 {
		check("a", 0)
	}
	check("a", 500*time.Millisecond)
	check("a", 500*time.Millisecond) // who is refused is not counted
	check("b", 0)
	now = now.Add(500 * time.Millisecond)
	check("a", 0)
	check("a", 500*time.Millisecond)
	now = now.Add(time.Hour)
	for range 3 {
		check("a", 0)
	}
	check("a", 500*time.Millisecond)
	now = now.Add(-24 * time.Hour) // a clock that is set back refuses nobody for a day
	check("a", 0)
	for range 10_000 {
		if p.Take("c", Rate{}, now) != 0 {
			t.Fatal("no rate, and a wait")
		}
	}
}

func TestPaceKeepsSoManyKeys(t *testing.T) {
	t.Parallel()
	p := Pace[int]{most: 4}
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	rate := Rate{PerSecond: 1, Burst: 1}
	for key := range 4 {
		p.Take(key, rate, now)
	}
	for range 10 {
		if p.Take(9, rate, now) != 0 {
			t.Error("one more than there is room for is refused")
		}
	}
	if p.Take(0, rate, now) == 0 || len(p.full) != 4 {
		t.Error("whoever is known was forgotten for one who is new")
	}
	now = now.Add(2 * time.Second)
	p.Take(9, rate, now)
	if len(p.full) != 1 || p.Take(9, rate, now) == 0 {
		t.Errorf("%d keys are known after the rest", len(p.full))
	}
}

func BenchmarkPlaces(b *testing.B) {
	p := NewPlaces[string](2048)
	b.ReportAllocs()
	for b.Loop() {
		p.Take("0193f0c2a7b17c9e8d4f5a6b7c8d9e00", 1)
		p.Give("0193f0c2a7b17c9e8d4f5a6b7c8d9e00", 1)
	}
}

func BenchmarkPace(b *testing.B) {
	var p Pace[string]
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		p.Take("0193f0c2a7b17c9e8d4f5a6b7c8d9e00", Rate{PerSecond: 1e9, Burst: 100}, now)
	}
}

func TestEachKeyHasItsOwn(t *testing.T) {
	t.Parallel()
	e := NewEach[string](2)
	for _, key := range []string{"a", "b", "c"} {
		if got := []bool{e.Take(key), e.Take(key), e.Take(key)}; !got[0] || !got[1] || got[2] {
			t.Errorf("%s, who has two places, got %v", key, got)
		}
	}
	e.Give("a")
	if !e.Take("a") || e.Take("a") || e.Take("b") {
		t.Error("a place that was given back is not that one")
	}
	for _, key := range []string{"a", "b", "c"} {
		e.Give(key)
		e.Give(key)
	}
	if len(e.held) != 0 {
		t.Errorf("%d keys are remembered in the end", len(e.held))
	}
	for _, e := range []*Each[string]{nil, {}, NewEach[string](0)} {
		for range 10_000 {
			if !e.Take("a") {
				t.Fatal("no limit, and no place")
			}
		}
		e.Give("a")
	}
}
