package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestStartPage: under --demo / tells what there is and shows no key; without it there is nothing, as ever.
func TestStartPage(t *testing.T) {
	t.Parallel()
	for _, demo := range []bool{true, false} {
		args := []string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir()}
		want := http.StatusNotFound
		if demo {
			args, want = append(args, "--demo"), http.StatusOK
		}
		r := start(t, args...)
		for _, accept := range []string{"text/html", "application/json"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.text("baseUrl"), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", accept)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != want || !strings.HasPrefix(res.Header.Get("Content-Type"), accept) {
				t.Errorf("demo %t, %s: status %d, %s, %v", demo, accept, res.StatusCode, res.Header.Get("Content-Type"), err)
			}
			for _, secret := range []string{r.text("apiKey"), r.text("signingKey")} {
				if secret != "" && strings.Contains(string(body), secret) {
					t.Errorf("a key is shown:\n%s", body)
				}
			}
			if demo && !strings.Contains(string(body), r.text("simulatorUrl")) {
				t.Errorf("the simulator is not named:\n%s", body)
			}
		}
		if got := r.stop(); got.code != 0 {
			t.Error(got)
		}
	}
}
