/* What a message sounds like: more and higher tones the more urgent it is, so that nobody has to look to know. */

// By priority: pitch in Hz of each tone; ISA-18.2 asks that priorities can be told apart by ear.
const TONES = { 1: [880, 1175, 880, 1175, 880, 1175], 2: [880, 880, 1175], 3: [659, 659], 4: [523] };
const TONE_S = 0.16;
const GAP_S = 0.06;
const LOUDNESS = 0.25;

export class Sound {
  constructor(makeContext) {
    this.makeContext = makeContext;
    this.context = null;
  }

  /** Sound a priority; false where the browser does not let a page sound before somebody has touched it. */
  async play(priority) {
    try {
      this.context ??= this.makeContext();
      if (this.context.state === "suspended") await Promise.race([this.context.resume(), later(300)]);
      if (this.context.state !== "running") return false;
      tones(priority).forEach((pitch, place) => this.tone(pitch, this.context.currentTime + place * (TONE_S + GAP_S)));
      return true;
    } catch {
      return false; // A machine without a loudspeaker.
    }
  }

  tone(pitch, at) {
    const [source, loudness] = [this.context.createOscillator(), this.context.createGain()];
    source.frequency.value = pitch;
    loudness.gain.setValueAtTime(0, at);
    loudness.gain.linearRampToValueAtTime(LOUDNESS, at + 0.01); // Without a ramp it clicks.
    loudness.gain.linearRampToValueAtTime(0, at + TONE_S);
    source.connect(loudness).connect(this.context.destination);
    source.start(at);
    source.stop(at + TONE_S);
  }
}

export const tones = (priority) => TONES[priority] ?? TONES[4];

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
