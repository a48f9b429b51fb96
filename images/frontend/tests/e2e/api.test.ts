/** The server's routes, as other programs call them. */

import { decodeJwt } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { App, migrate } from "./support/app";
import { Backend } from "./support/backend";
import { cleanup } from "./support/cleanup";
import { Postgres } from "./support/postgres";
import { requires } from "./support/requirements";

const needed = requires("API");

describe.skipIf(needed.skip)(needed.title, () => {
  const keep = cleanup();
  let database: Postgres;
  let backend: Backend;
  let app: App;
  let people = 0;

  beforeAll(async () => {
    database = keep(await Postgres.create(), (it) => it.remove());
    backend = keep(await Backend.start(), (it) => it.stop());
    app = keep(
      await App.start({ DATABASE_URL: database.url(), NEXT_PUBLIC_API_URL: backend.url }),
      async (it) => expect((await it.stop()).output).not.toMatch(/⨯|"level":"error"/),
    );
  });

  const person = () => {
    people += 1;
    return { name: "Ada", email: `ada${people}@example.com`, password: "correct horse" };
  };

  async function signUp() {
    const who = person();
    const response = await app.post("/api/auth/signup", who);
    expect(response.status).toBe(201);
    const { user, token } = (await response.json()) as { user: { id: string }; token: string };
    const cookie = response.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
    return { who, user, token, cookie };
  }

  const detail = async (response: Response) => ((await response.json()) as { detail: unknown }).detail;

  test("the server is alive but not ready before the migration, and says why", async () => {
    expect((await app.fetch("/api/health")).status).toBe(200);
    const response = await app.fetch("/api/ready");
    expect(response.status).toBe(503);
    expect(await detail(response)).toMatch(/schema is not migrated: .* user, session, account, verification/);
    expect((await migrate(database.url())).code).toBe(0);
    expect((await app.fetch("/api/ready")).status).toBe(200);
  });

  test("sign-up gives the person, a token with their id, and a cookie that plain http keeps", async () => {
    const who = person();
    const response = await app.post("/api/auth/signup", who);
    expect(response.status).toBe(201);
    const { user, token } = (await response.json()) as { user: Record<string, string>; token: string };
    expect(user).toMatchObject({ name: who.name, email: who.email });
    expect(decodeJwt(token).sub).toBe(user.id);
    const [cookie] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^better-auth\.session_token=.*HttpOnly.*SameSite=Lax/i);
    expect(cookie).not.toMatch(/secure/i);
  });

  test("behind a proxy that ends TLS the cookie is Secure, and works there", async () => {
    const headers = { "x-forwarded-proto": "https", origin: app.origin.replace("http:", "https:") };
    const response = await app.post("/api/auth/signup", person(), headers);
    const [cookie] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^__Secure-better-auth\.session_token=.*Secure/);
    const token = await app.fetch("/api/auth/token", { headers: { ...headers, cookie: cookie!.split(";")[0]! } });
    expect(token.status).toBe(200);
  });

  test("sign-in works with the right password only", async () => {
    const { who, user } = await signUp();
    const right = await app.post("/api/auth/login", { email: who.email, password: who.password });
    expect(right.status).toBe(200);
    expect(((await right.json()) as { user: { id: string } }).user.id).toBe(user.id);
    for (const wrong of [{ ...who, password: "wrong horse" }, { ...who, email: "nobody@example.com" }]) {
      const response = await app.post("/api/auth/login", wrong);
      expect(response.status).toBe(401);
      expect(await detail(response)).toBe("Invalid email or password");
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test.each([
    ["nothing", undefined, /has to be a JSON object/],
    ["no name", { email: "x@example.com", password: "12345678" }, /name is required/],
    ["an empty password", { name: "x", email: "x@example.com", password: "" }, /password is required/],
    ["a short password", { name: "x", email: "x@example.com", password: "1234567" }, /short/i],
    ["no e-mail address", { name: "x", email: "x", password: "12345678" }, /email/i],
  ])("sign-up with %s is refused with a detail", async (_what, body, message) => {
    const response = await app.post("/api/auth/signup", body);
    expect([400, 422]).toContain(response.status);
    expect(await detail(response)).toMatch(message);
  });

  test("a second sign-up with one address is refused", async () => {
    const { who } = await signUp();
    const response = await app.post("/api/auth/signup", who);
    expect(response.status).toBe(422);
    expect(await detail(response)).toMatch(/already exists/);
  });

  test("guessing a password is stopped after ten failures, for that address only", async () => {
    const [one, other] = [await signUp(), await signUp()];
    const guess = { email: one.who.email, password: "wrong horse" };
    for (let time = 0; time < 10; time += 1) {
      expect((await app.post("/api/auth/login", guess)).status).toBe(401);
    }
    const blocked = await app.post("/api/auth/login", guess);
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await app.post("/api/auth/sign-in/email", guess)).status).toBe(429);
    expect((await app.post("/api/auth/login", other.who)).status).toBe(200);
  });

  test("many people signing up at once from one address are all served", async () => {
    const responses = await Promise.all(
      Array.from({ length: 12 }, () => app.post("/api/auth/signup", person())),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(12).fill(201));
  });

  test("a page of another origin cannot sign people in or out", async () => {
    const { who, cookie } = await signUp();
    const headers = { origin: "http://evil.example" };
    expect((await app.post("/api/auth/login", who, headers)).status).toBe(403);
    expect((await app.post("/api/auth/sign-out", {}, { ...headers, cookie })).status).toBe(403);
    expect((await app.fetch("/api/auth/token", { headers: { cookie } })).status).toBe(200);
  });

  test("the session gives tokens until it is ended", async () => {
    const { cookie, user } = await signUp();
    const response = await app.fetch("/api/auth/token", { headers: { cookie } });
    const { token } = (await response.json()) as { token: string };
    expect(decodeJwt(token).sub).toBe(user.id);
    const signedOut = await app.post("/api/auth/sign-out", {}, { cookie, origin: app.origin });
    expect(signedOut.status).toBe(200);
    const after = await app.fetch("/api/auth/token", { headers: { cookie } });
    expect(after.status).toBe(401);
  });

  test("tasks are created, read, updated and deleted with the token, by way of the backend", async () => {
    const { user, token } = await signUp();
    const headers = { authorization: `Bearer ${token}` };
    const path = `/api/${user.id}/tasks`;
    const created = await app.post(path, { title: "Milk" }, headers);
    expect(created.status).toBe(201);
    expect(created.headers.get("x-backend-pod")).toBe("fake-pod");
    const { id } = (await created.json()) as { id: number };
    const put = await app.fetch(`${path}/${id}`, {
      method: "PUT",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ completed: true }),
    });
    expect(put.status).toBe(200);
    const list = (await (await app.fetch(path, { headers })).json()) as unknown[];
    expect(list).toEqual([expect.objectContaining({ id, title: "Milk", completed: true })]);
    expect((await app.fetch(`${path}/${id}`, { method: "DELETE", headers })).status).toBe(204);
    expect((await app.fetch(`${path}/${id}`, { method: "DELETE", headers })).status).toBe(404);
  });

  test("the same works with the cookie, where changes need this app's origin", async () => {
    const { user, cookie } = await signUp();
    const path = `/api/${user.id}/tasks`;
    expect((await app.post(path, { title: "Milk" }, { cookie })).status).toBe(403);
    expect((await app.post(path, { title: "Milk" }, { cookie, origin: "http://evil.example" })).status).toBe(403);
    expect((await app.post(path, { title: "Milk" }, { cookie, origin: app.origin })).status).toBe(201);
    const list = await app.fetch(path, { headers: { cookie } });
    expect(await list.json()).toHaveLength(1);
  });

  test("no token, a wrong token, another person's tasks", async () => {
    const [one, other] = [await signUp(), await signUp()];
    const path = `/api/${other.user.id}/tasks`;
    expect((await app.fetch(path)).status).toBe(401);
    expect((await app.fetch(path, { headers: { authorization: "Bearer nonsense" } })).status).toBe(401);
    expect((await app.fetch(path, { headers: { cookie: "better-auth.session_token=nonsense" } })).status).toBe(401);
    expect((await app.fetch(path, { headers: { authorization: `Bearer ${one.token}` } })).status).toBe(403);
  });

  test("pages send people where they belong", async () => {
    const anonymous = await app.fetch("/");
    expect([anonymous.status, anonymous.headers.get("location")]).toEqual([307, "/sign-in"]);
    const { cookie } = await signUp();
    const known = await app.fetch("/sign-in", { headers: { cookie } });
    expect([known.status, known.headers.get("location")]).toEqual([307, "/"]);
    expect((await app.fetch("/sign-up")).status).toBe(200);
    expect((await app.fetch("/nowhere")).status).toBe(404);
    expect(await detail(await app.fetch("/api/nowhere"))).toBe("Not found");
  });

  test("pages carry a policy with a nonce of their own", async () => {
    const nonces = await Promise.all(
      [1, 2].map(async () => {
        const response = await app.fetch("/sign-in");
        const nonce = /'nonce-([^']+)'/.exec(response.headers.get("content-security-policy") ?? "")?.[1];
        expect(await response.text()).toContain(`nonce="${nonce}"`);
        return nonce;
      }),
    );
    expect(new Set(nonces).size).toBe(2);
  });
});
