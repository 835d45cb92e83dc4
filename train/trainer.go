// Package train fits models to data: the loop of steps, validation, early
// stopping and checkpoints, and the folder that a run is.
//
// Whatever is random follows from the seed and the number of the step or the
// epoch, so a run that is stopped anywhere, even killed, goes on from its last
// checkpoint to the same weights, bit for bit.
package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Task is a model with the data that it is fitted to.
type Task interface {
	// Params returns the parameters to fit.
	Params() []nn.Param
	// Epoch arranges the data for epoch n, counted from 0, in batches and
	// returns their number. The same n gives the same batches.
	Epoch(n int) (batches int)
	// Targets returns the number of predictions that a batch asks for.
	Targets(batch int) int
	// Loss computes the loss of a batch of the current epoch, times scale.
	Loss(t *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood)
	// Validate measures the model on data kept apart.
	Validate(ctx context.Context) (Validation, error)
}

// Carrier is a task whose batches are not independent: a batch begins with what
// the one before has left.
type Carrier interface {
	// Carried lists what a checkpoint has to hold for the next batch.
	Carried() []checkpoint.Tensor
}

// Reader is a task whose batches read other tokens than they predict: that is its speed.
type Reader interface {
	// Reads returns the number of tokens that a batch reads.
	Reads(batch int) int
}

// Validation is how good a model is on data kept apart.
type Validation struct {
	Loss float64  `json:"valid_loss"`           // nats a target (a token, a text, a place of an answer), no smoothing; of numbers the squared error
	BLEU *float64 `json:"valid_bleu,omitempty"` // nil where nothing is translated
	// Perplexity is e^Loss, of language models only.
	Perplexity *float64 `json:"valid_perplexity,omitempty"`
	// Scores are the metrics of a task of classification; Score is the first of them.
	Scores map[string]float64 `json:"valid_scores,omitempty"`
	Score  *float64           `json:"valid_score,omitempty"`
	// OneLabel says that a classifier gives all texts the same label, or the same number,
	// all words one label, or no question an answer.
	OneLabel bool     `json:"valid_one_label,omitempty"`
	Samples  []Sample `json:"-"`
}

// Sample is an output to look at.
type Sample struct{ Source, Reference, Output string }

// better says whether v is better than w: by BLEU or Score where there is one, then by
// loss.
func (v Validation) better(w Validation) bool {
	if v.Score != nil && w.Score != nil && *v.Score != *w.Score {
		return *v.Score > *w.Score
	}
	if v.BLEU != nil && w.BLEU != nil && *v.BLEU != *w.BLEU {
		return *v.BLEU > *w.BLEU
	}
	return v.Loss < w.Loss
}

// Options is how a Trainer works.
type Options struct {
	Seed          uint64  `yaml:"seed" doc:"decides initial weights, order of data and dropout"`
	BatchTokens   int     `yaml:"batch_tokens" doc:"tokens of a batch, of the longer side; for translation"`
	Accumulate    int     `yaml:"accumulate" doc:"batches whose gradients make one step"`
	MaxSteps      int     `yaml:"max_steps" doc:"steps after which training ends; 0 is no limit"`
	MaxEpochs     int     `yaml:"max_epochs" doc:"epochs after which training ends; 0 is no limit"`
	MaxMinutes    float64 `yaml:"max_minutes" doc:"minutes after which training ends; 0 is no limit (a run so ended depends on the machine's speed)"`
	Smoothing     float64 `yaml:"label_smoothing" doc:"ε of label smoothing; for translation and language models"`
	PerSentence   bool    `yaml:"per_sentence" doc:"divide the loss of a batch by its sentences, not by its tokens (Sutskever 2014, section 3.4); for translation"`
	Clip          float64 `yaml:"clip" doc:"largest norm of the gradient; 0 is no limit"`
	Optimizer     string  `yaml:"optimizer" doc:"adam, bert-adam (without correction of the moments' bias, as BERT's authors have it), lamb (You et al. 2020, without it as well) or sgd"`
	Schedule      string  `yaml:"schedule" doc:"noam (Vaswani 2017, equation 3), inverse-sqrt, linear, bert (linear too, but falling from step 0 on, as in its authors' code), constant or staircase"`
	Rate          float64 `yaml:"rate" doc:"peak learning rate; for noam a factor of the formula"`
	Warmup        int     `yaml:"warmup" doc:"steps of linear growth of the rate, of all schedules but staircase"`
	WarmupShare   float64 `yaml:"warmup_share" doc:"share of all steps that is the warm-up, instead of a number of steps, where the number of steps is known"`
	Hold          float64 `yaml:"hold" doc:"epochs at the full rate, of staircase"`
	Every         float64 `yaml:"every" doc:"epochs from one fall of the rate to the next, of staircase"`
	Factor        float64 `yaml:"factor" doc:"of the rate at each fall, of staircase"`
	Beta1         float64 `yaml:"beta1" doc:"decay of Adam's first moment"`
	Beta2         float64 `yaml:"beta2" doc:"decay of Adam's second moment"`
	Epsilon       float64 `yaml:"epsilon" doc:"Adam's ε"`
	WeightDecay   float64 `yaml:"weight_decay" doc:"decoupled decay of matrices, of all optimizers but sgd"`
	ValidateEvery int     `yaml:"validate_every" doc:"steps from one validation, and checkpoint, to the next; of BERT 0 is an epoch"`
	Patience      int     `yaml:"patience" doc:"validations without progress after which training ends; 0 is no limit"`
	Average       int     `yaml:"average" doc:"checkpoints that are averaged at the end; 0 or 1 averages none"`
	EMA           float64 `yaml:"ema" doc:"decay of the exponential moving average of the weights that is validated and kept; 0 is none"`
}

// Validate says what of the options cannot be.
func (o Options) Validate() error {
	switch {
	case o.Accumulate < 1:
		return fmt.Errorf("train: accumulate is %d; want at least 1", o.Accumulate)
	case o.ValidateEvery < 1:
		return fmt.Errorf("train: validate_every is %d; want at least 1", o.ValidateEvery)
	case o.MaxSteps == 0 && o.MaxEpochs == 0 && o.MaxMinutes == 0 && o.Patience == 0:
		return errors.New("train: nothing ends the run; set max_steps, max_epochs, max_minutes or patience")
	case o.Optimizer != "adam" && o.Optimizer != "bert-adam" && o.Optimizer != "lamb" && o.Optimizer != "sgd":
		return fmt.Errorf("train: optimizer is %q; want adam, bert-adam, lamb or sgd", o.Optimizer)
	case o.Optimizer != "sgd" && (o.Epsilon == 0 || o.Beta2 == 0):
		return fmt.Errorf("train: epsilon is %v and beta2 %v; want more than 0 for %s", o.Epsilon, o.Beta2, o.Optimizer)
	}
	total := o.MaxSteps
	if total == 0 && o.MaxEpochs > 0 {
		total = math.MaxInt32 // until a task tells how long an epoch is
	}
	return cmp.Or(o.checkRanges(), o.schedule(1, total).Validate(), o.checkUse())
}

// checkUse says which value changes nothing.
func (o Options) checkUse() error {
	switch {
	case o.Optimizer == "sgd" && o.WeightDecay > 0:
		return fmt.Errorf("train: weight_decay is %v, and the optimizer sgd has none; set it to 0, or take another optimizer", o.WeightDecay)
	case o.Schedule == "staircase" && (o.Warmup > 0 || o.WarmupShare > 0):
		return fmt.Errorf("train: warmup is %d and warmup_share %v, and the schedule staircase has no warm-up; set them to 0, or take another schedule", o.Warmup, o.WarmupShare)
	}
	return nil
}

// checkRanges says which value is out of its range, or not a number.
func (o Options) checkRanges() error {
	inf := math.Inf(1)
	for _, x := range []struct {
		name         string
		value, below float64
	}{
		{"warmup_share", o.WarmupShare, 1},
		{"ema", o.EMA, 1},
		{"label_smoothing", o.Smoothing, 1},
		{"beta1", o.Beta1, 1},
		{"beta2", o.Beta2, 1},
		{"epsilon", o.Epsilon, inf},
		{"clip", o.Clip, inf},
		{"weight_decay", o.WeightDecay, inf},
		{"max_minutes", o.MaxMinutes, inf},
		{"max_steps", float64(o.MaxSteps), inf},
		{"max_epochs", float64(o.MaxEpochs), inf},
		{"warmup", float64(o.Warmup), inf},
		{"patience", float64(o.Patience), inf},
		{"average", float64(o.Average), inf},
	} {
		switch {
		case x.value >= 0 && x.value < x.below:
		case x.below < inf:
			return fmt.Errorf("train: %s is %v; want at least 0 and less than %v", x.name, x.value, x.below)
		default:
			return fmt.Errorf("train: %s is %v; want at least 0", x.name, x.value)
		}
	}
	return nil
}

// epoch is the number of steps of an epoch of some batches.
func (o Options) epoch(batches int) int {
	return (batches + max(o.Accumulate, 1) - 1) / max(o.Accumulate, 1)
}

// steps is how many steps there are in all, of epochs of some batches each; 0 is no limit.
func (o Options) steps(batches int) int {
	epochs := o.MaxEpochs * o.epoch(batches)
	if o.MaxSteps == 0 || epochs > 0 && epochs < o.MaxSteps {
		return epochs
	}
	return o.MaxSteps
}

// schedule is the learning rate of a model of dimension dim over a total of steps.
func (o Options) schedule(dim, total int) optim.Schedule {
	warmup := o.Warmup
	if o.WarmupShare > 0 {
		warmup = int(o.WarmupShare * float64(total))
	}
	return optim.Schedule{Kind: o.Schedule, Rate: o.Rate, Warmup: warmup, Total: total, Dim: dim, Hold: o.Hold, Every: o.Every, Factor: o.Factor}
}

// Progress is what a trainer reports after each step.
type Progress struct {
	Step         int           `json:"step"`
	Epoch        int           `json:"epoch"`
	Loss         float64       `json:"loss"` // smoothed, nats a target, with PerSentence of a token too; of numbers the squared error
	Accuracy     float64       `json:"accuracy"`
	Rate         float64       `json:"rate"`
	GradNorm     float64       `json:"grad_norm"`
	TokensPerSec float64       `json:"tokens_per_s"`
	Elapsed      time.Duration `json:"-"` // of training, over all sessions of the run
}

// state is where a run is. With weights and moments it is all that a checkpoint
// needs to hold.
type state struct {
	Step      int        `json:"step"`  // steps taken
	Epoch     int        `json:"epoch"` // current epoch
	Batch     int        `json:"batch"` // batches of it that are used
	Best      Validation `json:"best"`
	BestAt    int        `json:"best_step"` // 0: none yet
	Stale     int        `json:"stale"`     // validations since
	Validated int        `json:"validated"` // step of the last validation
	Seconds   float64    `json:"seconds"`   // of training so far
	Ended     bool       `json:"ended"`
	Data      string     `json:"data,omitempty"`  // hash of the examples
	First     float64    `json:"first,omitempty"` // loss of the first step
	High      int        `json:"high,omitempty"`  // steps in a row with a loss far above it
	Above     int        `json:"above,omitempty"` // steps with a loss above it, less twice the others
	Far       bool       `json:"far,omitempty"`   // whether that of the last step was some times as large
}

// Trainer fits a task.
type Trainer struct {
	Options
	Task     Task
	Observer Observer

	rate   optim.Schedule
	state  state
	params []nn.Param
	optim  optim.Optimizer
	ema    *optim.EMA // nil without
	tape   *tensor.Tape
}

// Observer learns what happens in a run, and keeps it.
type Observer interface {
	// Stepped is called after every step.
	Stepped(p Progress) error
	// Validated is called after every validation, while the parameters are
	// those that were validated; best says whether they are the best so far.
	Validated(p Progress, v Validation, best bool) error
	// Checkpoint is called when the state of the run is to be kept, as Trainer.Save does.
	Checkpoint(t *Trainer) error
}

var errNoExamples = errors.New("train: no examples to train on")

// ErrInterrupted is returned by Run when its context ended; the observer has been asked for
// a checkpoint.
var ErrInterrupted = errors.New("train: interrupted")

// silent observes nothing.
type silent struct{}

func (silent) Stepped(Progress) error                     { return nil }
func (silent) Validated(Progress, Validation, bool) error { return nil }
func (silent) Checkpoint(*Trainer) error                  { return nil }

// NewTrainer returns a trainer at step 0 of a model of the given dimension, which the
// schedule noam asks for. The observer may be nil.
func NewTrainer(o Options, dim int, task Task, observer Observer) (*Trainer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	batches := task.Epoch(0)
	if batches == 0 {
		return nil, errNoExamples
	}
	rate := o.schedule(dim, o.steps(batches))
	if err := rate.Validate(); err != nil {
		return nil, err
	}
	if observer == nil {
		observer = silent{}
	}
	t := &Trainer{Options: o, Task: task, Observer: observer, rate: rate, params: task.Params(), tape: tensor.NewTape()}
	switch o.Optimizer {
	case "sgd":
		t.optim = optim.NewSGD(t.params)
	case "lamb":
		t.optim = optim.NewLAMB(t.params, o.Beta1, o.Beta2, o.Epsilon, o.WeightDecay)
	default:
		adam := optim.NewAdam(t.params, o.Beta1, o.Beta2, o.Epsilon, o.WeightDecay)
		adam.Uncorrected = o.Optimizer == "bert-adam"
		t.optim = adam
	}
	if o.EMA > 0 {
		t.ema = optim.NewEMA(t.params, o.EMA)
	}
	return t, nil
}

// Run trains until the options say that it is enough, and returns the best
// validation. A run that has ended already does nothing.
func (t *Trainer) Run(ctx context.Context) (Validation, error) {
	session := time.Now()
	before := t.state.Seconds
	batches := t.Task.Epoch(t.state.Epoch)
	p := Progress{Step: t.state.Step, Epoch: t.state.Epoch}
	for !t.state.Ended {
		if ctx.Err() != nil {
			if err := t.Observer.Checkpoint(t); err != nil {
				return t.state.Best, err
			}
			return t.state.Best, ErrInterrupted
		}
		if t.due() {
			if err := t.settle(ctx, p); err != nil && !errors.Is(err, ctx.Err()) {
				return t.state.Best, err
			}
			continue // where ctx has ended, with the run as it is
		}
		var err error
		if p, err = t.step(batches); err != nil {
			return t.state.Best, err
		}
		t.state.Seconds = before + time.Since(session).Seconds()
		p.Elapsed = time.Duration(t.state.Seconds * float64(time.Second))
		if t.state.Batch >= batches {
			t.state.Epoch, t.state.Batch = t.state.Epoch+1, 0
			batches = t.Task.Epoch(t.state.Epoch)
		}
		if err := t.Observer.Stepped(p); err != nil {
			return t.state.Best, err
		}
	}
	return t.state.Best, nil
}

// due says whether the last step is to be validated and has not been: a validation that
// was broken off, too. While the run may be diverging nothing of it is validated, and so
// nothing takes the place of what was kept before.
func (t *Trainer) due() bool {
	return t.state.Validated < t.state.Step && (t.over() || t.state.Step%t.ValidateEvery == 0 && !t.doubtful() && !t.state.Far)
}

// settle validates, and keeps what follows. A run that is over while it may be diverging
// has diverged.
func (t *Trainer) settle(ctx context.Context, p Progress) error {
	if t.doubtful() {
		return t.divergence(p.Loss, p.GradNorm)
	}
	before := t.state
	err := t.validate(ctx, p)
	if err == nil {
		t.state.Validated = t.state.Step
		t.state.Ended = t.over() || t.Patience > 0 && t.state.Stale >= t.Patience
		err = t.Observer.Checkpoint(t)
	}
	if err != nil {
		t.state = before // the step is validated again
	}
	return err
}

// over says whether a limit is reached.
func (t *Trainer) over() bool {
	s := t.state
	return t.MaxSteps > 0 && s.Step >= t.MaxSteps || t.MaxEpochs > 0 && s.Epoch >= t.MaxEpochs ||
		t.MaxMinutes > 0 && s.Seconds >= 60*t.MaxMinutes
}

// step takes one step over the next Accumulate batches, fewer at the end of an
// epoch.
func (t *Trainer) step(batches int) (Progress, error) {
	start := time.Now()
	first, last := t.state.Batch, min(t.state.Batch+t.Accumulate, batches)
	targets := 0
	for b := first; b < last; b++ {
		targets += t.Task.Targets(b)
	}
	t.state.Step++
	t.state.Batch = last
	t.optim.ZeroGrad()
	drop := nn.NewDropout(t.Seed, t.state.Step)
	var loss float64
	var seen tensor.Likelihood
	for b := first; b < last; b++ {
		t.tape.Reset()
		l, likelihood := t.Task.Loss(t.tape, drop, b, 1/float64(max(targets, 1)))
		t.tape.Backward(l)
		loss += float64(l.Data[0])
		seen.Add(likelihood)
	}
	norm := t.optim.GradNorm()
	predictions := float64(max(seen.Tokens, 1)) / float64(max(targets, 1)) // of a target
	if err := t.diverged(loss, predictions, norm); err != nil {
		return Progress{}, err
	}
	if t.PerSentence {
		loss /= predictions // what is reported is of a token, as in validation
	}
	p := Progress{
		Step: t.state.Step, Epoch: t.state.Epoch, Loss: loss, GradNorm: norm, Rate: t.rate.At(t.state.Step, float64(t.state.Epoch)+float64(first)/float64(batches)),
		Accuracy: float64(seen.Correct) / float64(max(seen.Tokens, 1)),
	}
	t.optim.Step(p.Rate, optim.Clip(norm, t.Clip))
	t.ema.Update(t.state.Step)
	tokens := seen.Tokens
	if r, ok := t.Task.(Reader); ok {
		tokens = 0
		for b := first; b < last; b++ {
			tokens += r.Reads(b)
		}
	}
	p.TokensPerSec = float64(tokens) / time.Since(start).Seconds()
	return p, nil
}

// validate measures the model, with averaged weights if there are any, and
// reports it.
func (t *Trainer) validate(ctx context.Context, p Progress) error {
	t.ema.Swap()
	defer t.ema.Swap()
	v, err := t.Task.Validate(ctx)
	if !isFinite(v.Loss) {
		err = t.divergence(v.Loss, p.GradNorm)
	}
	if err != nil {
		return err
	}
	best := t.state.BestAt == 0 || v.better(t.state.Best)
	if best {
		t.state.Best, t.state.BestAt, t.state.Stale = v, t.state.Step, 0
	} else {
		t.state.Stale++
	}
	return t.Observer.Validated(p, v, best)
}
