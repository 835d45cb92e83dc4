package jsonerror

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// Size is embedded, as configurations of models are.
type Size struct {
	Hidden int `json:"hidden_size"`
}

func TestErrorsAreInWordsOfJSON(t *testing.T) {
	type config struct {
		Size
		Names map[string]string `json:"names"`
		Layer []struct {
			Rate float64 `json:"rate"`
			On   bool    `json:"on"`
		} `json:"layer"`
	}
	for text, want := range map[string]string{
		`[]`:                       "the whole: found array, want an object",
		`{"hidden_size": "32"}`:    "hidden_size: found string, want a whole number of 64 bits in digits",
		`{"hidden_size": 0.5}`:     "hidden_size: found number 0.5, want a whole number of 64 bits in digits",
		`{"names": {"0": 0}}`:      "names: found number, want a string",
		`{"names": []}`:            "names: found array, want an object",
		`{"layer": {}}`:            "layer: found object, want an array",
		`{"layer": [{"rate":""}]}`: "layer.rate: found string, want a number of 64 bits",
		`{"layer": [{"on": 1}]}`:   "layer.on: found number, want true or false",
	} {
		var c config
		if err := Plain(json.Unmarshal([]byte(text), &c)); err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
	for _, text := range []string{"", `{"hidden_size": 3`} {
		if err := Plain(json.NewDecoder(strings.NewReader(text)).Decode(new(config))); err == nil || err.Error() != "it ends too early; is it cut off?" {
			t.Errorf("%q: %v", text, err)
		}
	}
	if other := errors.New("other"); !errors.Is(Plain(other), other) || Plain(nil) != nil {
		t.Error("other errors are changed")
	}
}
