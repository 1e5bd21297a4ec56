//! An agent as it is written.

use crate::flow::{Duration, Located, Node, form, words};
use serde_json::Value;

words! {
    /// How speech is told from noise.
    pub enum ActivityWord {
        /// A small neural network, made for telephone sound.
        Silero = "silero",
        /// By loudness alone.
        Energy = "energy",
    }
}

form! {
    /// How an agent hears the caller.
    pub struct ListenForm shorthand provider {
        /// Who listens: a name under `providers` in `engine.yaml`, or a protocol's own. `energy` hears that somebody speaks, not what.
        provider: Option<Located<String>>,
        /// Who listens when that one fails.
        fallback: Option<Located<String>>,
        /// The provider's model.
        model: Option<String>,
        /// The language, such as `he`. Default: the flow's locale.
        language: Option<String>,
        /// Where the provider is, in place of its usual address.
        base_url: Option<String>,
        /// How long a transcript may take.
        timeout: Option<Duration>,
        /// For `command`: the program and its arguments; `{file}` and `{language}` are filled in.
        run: Vec<String> = Vec::new(),
        /// Settings of the provider alone, passed on as they are.
        options: Vec<(Located<String>, Value)> = Vec::new(),
        /// How speech is told from noise. Default: `silero` where somebody listens, else `energy`.
        activity: Option<ActivityWord>,
        /// Silence that ends the caller's turn, 300 to 600 ms. Finished sentences need less, half ones and digits more.
        end_of_turn: Duration = Duration::from_millis(500),
        /// Silence that ends a turn after digits.
        after_digits: Duration = Duration::from_millis(800),
        /// Silence that ends a turn after half a sentence.
        after_half_sentence: Duration = Duration::from_millis(1_500),
        /// Silence that ends a turn whatever was said.
        at_most: Duration = Duration::from_millis(3_000),
        /// The longest turn.
        longest_turn: Duration = Duration::from_millis(30_000),
    }
}

form! {
    /// An answer and when it is given. All conditions of a rule must hold.
    pub struct AnswerForm {
        /// The caller's how-manieth turn, from 1.
        turn: Option<u32>,
        /// Keys that the caller pressed.
        keys: Option<String>,
        /// The caller spoke at least this long.
        spoke: Option<Duration>,
        /// Words that all occur in what the caller said. Needs somebody who listens.
        hears: Vec<String> = Vec::new(),
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// What is said. Needs somebody who speaks.
        say: Option<Located<String>>,
        /// Ends the conversation with this outcome of the step.
        exit: Option<Located<String>>,
    }
}

form! {
    /// What is done where no rule applies.
    pub struct OtherwiseForm {
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// What is said. Needs somebody who speaks.
        say: Option<Located<String>>,
        /// Ends the conversation with this outcome of the step.
        exit: Option<Located<String>>,
    }
}

form! {
    /// How an agent finds its answers.
    pub struct ThinkForm shorthand provider {
        /// Who thinks: a name under `providers` in `engine.yaml`, or a protocol's own. `scripted` follows `answers`.
        provider: Option<Located<String>>,
        /// Who thinks when that one fails.
        fallback: Option<Located<String>>,
        /// The provider's model.
        model: Option<String>,
        /// Where the provider is, in place of its usual address.
        base_url: Option<String>,
        /// How long the first words of an answer may take.
        timeout: Option<Duration>,
        /// Begins to think in the caller's pauses already, before the turn is over for sure. Quicker, and costs more.
        eager: bool = true,
        /// Settings of the provider alone, such as `temperature`, passed on as they are.
        options: Vec<(Located<String>, Value)> = Vec::new(),
        /// Rules, first match wins.
        answers: Vec<AnswerForm> = Vec::new(),
        /// Where no rule applies.
        otherwise: Option<OtherwiseForm>,
    }
}

form! {
    /// How an agent speaks.
    pub struct SpeakForm shorthand provider {
        /// Who speaks: a name under `providers` in `engine.yaml`, or a protocol's own. `prompts` plays the files that the answers name.
        provider: Option<Located<String>>,
        /// Who speaks when that one fails.
        fallback: Option<Located<String>>,
        /// The provider's model.
        model: Option<String>,
        /// The voice.
        voice: Option<String>,
        /// The language, such as `he-IL`. Default: the flow's locale.
        language: Option<String>,
        /// Where the provider is, in place of its usual address.
        base_url: Option<String>,
        /// How long the first sound of a sentence may take.
        timeout: Option<Duration>,
        /// For `command`: the program and its arguments; `{text}` is filled in.
        run: Vec<String> = Vec::new(),
        /// Settings of the provider alone, passed on as they are.
        options: Vec<(Located<String>, Value)> = Vec::new(),
        /// Played first, when the conversation begins.
        greeting: Option<Located<String>>,
        /// What the greeting says: for the transcript, or to be said where no file is named.
        greeting_text: Option<Located<String>>,
        /// Whether the caller can interrupt the greeting.
        greeting_interruptible: bool = true,
    }
}

form! {
    /// One model that hears and answers in sound.
    pub struct RealtimeForm shorthand provider {
        /// Who: a name under `providers` in `engine.yaml`, or a protocol's own.
        provider: Located<String>,
        /// Who takes over where that one cannot be reached.
        fallback: Option<Located<String>>,
        /// The provider's model.
        model: Option<String>,
        /// The voice.
        voice: Option<String>,
        /// The caller's language, as a hint.
        language: Option<String>,
        /// Where the provider is, in place of its usual address.
        base_url: Option<String>,
        /// How long the model may take to begin.
        timeout: Option<Duration>,
        /// Settings of the provider alone, such as `turn_detection`, passed on as they are.
        options: Vec<(Located<String>, Value)> = Vec::new(),
    }
}

form! {
    /// When the caller may interrupt.
    pub struct BargeInForm {
        /// Speech of this length stops the agent. Default: 400 ms, so that "yeah" does not; 200 ms where nobody writes down words.
        after: Option<Duration>,
        /// Speech of this length is an interruption for sure; if it was less and only a nod, the agent goes on. Default: 800 ms; 500 ms where nobody writes down words.
        confirm: Option<Duration>,
        /// So many words are an interruption for sure, unless they only say that the caller listens; 0: only their length counts.
        words: u32 = 1,
        /// The caller cannot interrupt in the first moments of an answer.
        ignore_first: Duration = Duration::from_millis(500),
        /// The agent goes on after this, where the caller said nothing more.
        resume: Duration = Duration::from_millis(2_000),
        /// Words that only say that the caller listens. Default: those usual in Hebrew and English.
        backchannels: Option<Vec<String>>,
        /// Words that stop the agent at once. Default: those usual in Hebrew and English.
        stop: Option<Vec<String>>,
    }
}

form! {
    /// What happens when the caller says nothing.
    pub struct IdleForm {
        /// After this long.
        after: Duration = Duration::from_millis(7_000),
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// What is said. Needs somebody who speaks.
        say: Option<Located<String>>,
        /// How often, before the conversation ends.
        times: u32 = 2,
        /// The outcome it then ends with.
        then: String = "no_reply".to_owned(),
    }
}

form! {
    /// What is heard while an answer takes long.
    pub struct FillerForm {
        /// After this long without a sound.
        after: Duration = Duration::from_millis(800),
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// What is said. Needs somebody who speaks.
        say: Option<Located<String>>,
        /// While an action takes long it is heard again after this.
        again: Duration = Duration::from_millis(7_000),
    }
}

form! {
    /// Something to be heard.
    pub struct LineForm {
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// What is said. Needs somebody who speaks.
        say: Option<Located<String>>,
    }
}

form! {
    /// Something that the model may do. One of `exit`, `hang_up`, `set` and `do` says what.
    pub struct ActionForm {
        /// When it is to be used: the model reads this.
        description: Located<String>,
        /// What the model gives with it: `string`, `integer`, `number`, `boolean` or a list of choices; `?` for what may be missing.
        parameters: Vec<(Located<String>, Value)> = Vec::new(),
        /// Ends the conversation with this outcome of the step.
        exit: Option<Located<String>>,
        /// Ends the conversation as `completed`.
        hang_up: bool = false,
        /// Keeps what the model gave in this variable. Default: the action's own name.
        set as "set": Option<Located<String>>,
        /// A step that is done: `{http: …}`, `{sms: …}`, `{whatsapp: …}`, `{contact: …}` or `{interaction: …}`.
        work as "do": Option<Node>,
        /// How long it may take.
        timeout: Duration = Duration::from_millis(8_000),
        /// What is said at once. Needs somebody who speaks.
        say: Option<Located<String>>,
    }
}

form! {
    /// Who talks on a media stream.
    pub struct AgentForm {
        /// What the agent is and what it is for: a text, or a file such as `prompts/receptionist.md`.
        instructions: Option<Node>,
        /// One model that hears, thinks and speaks, in place of the next three.
        realtime: Option<RealtimeForm>,
        /// How it hears the caller.
        listen: Option<ListenForm>,
        /// How it finds its answers.
        think: Option<ThinkForm>,
        /// How it speaks.
        speak: Option<SpeakForm>,
        /// When the caller may interrupt.
        barge_in: Option<BargeInForm>,
        /// What happens when the caller says nothing.
        idle: Option<IdleForm>,
        /// What is heard while an answer takes long.
        filler: Option<FillerForm>,
        /// What is heard before the conversation is given up.
        sorry: Option<LineForm>,
        /// What the model may do, by name.
        actions: Option<Node>,
        /// The longest conversation.
        longest: Duration = Duration::from_millis(600_000),
    }
}
