-- What the lab's portal keeps: accounts with the time of their last login, sessions, and what its visitors wrote.
-- Passwords as a salted SHA-256: enough for a lab whose passwords are in its script.
CREATE TABLE account (
        name text PRIMARY KEY,
        language text NOT NULL DEFAULT 'ja',
        mail text,
        salt text NOT NULL,
        password text NOT NULL,
        last_login timestamptz
);

CREATE TABLE session (
        id text PRIMARY KEY,
        tag text NOT NULL UNIQUE, -- also in the access log; the id never is
        account text NOT NULL REFERENCES account,
        began timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE login (
        account text NOT NULL REFERENCES account,
        tag text NOT NULL,
        address text NOT NULL,
        agent text NOT NULL,
        at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE note (
        number bigserial PRIMARY KEY,
        account text NOT NULL REFERENCES account,
        server text NOT NULL, -- the web server that it was written through
        words text NOT NULL,
        at timestamptz NOT NULL DEFAULT now()
);
