/** The pages in a real browser, found by role and label only. */

import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { App, migrate } from "./support/app";
import { Backend } from "./support/backend";
import { cleanup } from "./support/cleanup";
import { Postgres } from "./support/postgres";
import { chromium as chromiumPath, requires } from "./support/requirements";

const needed = requires("browser", "browser");
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

describe.skipIf(needed.skip)(needed.title, () => {
  const keep = cleanup();
  let database: Postgres;
  let backend: Backend;
  let app: App;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let problems: string[];
  let people = 0;

  beforeAll(async () => {
    database = keep(await Postgres.create(), (it) => it.remove());
    backend = keep(await Backend.start(), (it) => it.stop());
    await migrate(database.url());
    app = keep(
      await App.start({ DATABASE_URL: database.url(), NEXT_PUBLIC_API_URL: backend.url }),
      (it) => it.stop(),
    );
    browser = keep(
      await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] }),
      (it) => it.close(),
    );
  });

  beforeEach(async () => {
    backend.failure = null;
    backend.delay = 0;
    await open(SIZES.desktop);
  });
  afterEach(async () => {
    await context.close();
    expect(problems).toEqual([]);
  });

  async function open(viewport: { width: number; height: number }): Promise<void> {
    await context?.close();
    context = await browser.newContext({ viewport, baseURL: app.origin });
    context.setDefaultTimeout(10_000);
    page = await context.newPage();
    problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      // Answers that a test provokes are logged by the browser, too.
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) {
        problems.push(message.text());
      }
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== app.origin && url.protocol !== "data:") problems.push(`request to ${url.origin}`);
    });
  }

  async function signUp(): Promise<string> {
    people += 1;
    await page.goto("/sign-up");
    await page.getByLabel("Name").fill("Ada Lovelace");
    await page.getByLabel("Email").fill(`browser${people}@example.com`);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("heading", { name: "Your tasks" }).waitFor();
    const [row] = await database.query<{ id: string }>(
      `select id from "user" where email = 'browser${people}@example.com'`,
    );
    return row!.id;
  }

  async function addTask(title: string): Promise<void> {
    await page.getByRole("textbox", { name: "New task" }).fill(title);
    await page.getByRole("button", { name: "Add task" }).click();
    await page.getByRole("checkbox", { name: `Complete: ${title}` }).waitFor();
  }

  const items = () => page.getByRole("list", { name: "Tasks" }).getByRole("listitem");
  const stored = (userId: string) =>
    [...backend.tasks.values()].filter((task) => task.user_id === userId);

  async function until(check: () => boolean | Promise<boolean>): Promise<void> {
    await expect.poll(check, { timeout: 10_000, interval: 50 }).toBe(true);
  }

  test("someone new signs up, signs out, and comes back", async () => {
    await page.goto("/");
    await page.waitForURL("**/sign-in");
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.waitForURL("**/sign-up");
    await signUp();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    await page.getByLabel("Email").fill(`browser${people}@example.com`);
    await page.getByLabel("Password").fill("wrong horse");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Invalid email or password").waitFor();
    expect(await page.getByLabel("Email").inputValue()).toBe(`browser${people}@example.com`);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Your tasks" }).waitFor();
  });

  test("a form that is sent before the scripts are there waits for them", async () => {
    people += 1;
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/_next/static/**/*.js", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto("/sign-up", { waitUntil: "commit" });
    await page.getByLabel("Name").fill("Early Bird");
    await page.getByLabel("Email").fill(`early${people}@example.com`);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Create account" }).click();
    release();
    await page.getByRole("heading", { name: "Your tasks" }).waitFor();
    expect(page.url()).not.toContain("password");
  });

  test("a task is added, edited, completed, filtered, deleted, and brought back", async () => {
    const userId = await signUp();
    await page.getByText("A clear day").waitFor();
    await addTask("Buy milk");
    await addTask("Call Charles");
    expect(await items().count()).toBe(2);

    await page.getByRole("button", { name: "Edit: Buy milk" }).click();
    await page.getByRole("textbox", { name: "Title" }).fill("Buy oat milk");
    await page.getByRole("textbox", { name: "Notes" }).fill("Two litres");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Two litres").waitFor();

    await page.getByRole("checkbox", { name: "Complete: Buy oat milk" }).check();
    await page.getByText("1 of 2 still open").waitFor();
    await page.getByRole("button", { name: "Open" }).click();
    expect(await items().allInnerTexts()).toEqual([expect.stringContaining("Call Charles")]);
    await page.getByRole("button", { name: "Done" }).click();
    expect(await items().allInnerTexts()).toEqual([expect.stringContaining("Buy oat milk")]);
    await until(() => stored(userId).some((task) => task.completed && task.description === "Two litres"));

    await page.getByRole("button", { name: "Delete: Buy oat milk" }).click();
    await until(() => stored(userId).length === 1);
    await page.getByRole("button", { name: "Undo" }).click();
    await until(() => stored(userId).some((task) => task.title === "Buy oat milk" && task.completed));
    expect(stored(userId).find((task) => task.completed)?.description).toBe("Two litres");

    await page.reload();
    await page.getByRole("checkbox", { name: "Complete: Buy oat milk", checked: true }).waitFor();
    expect(await items().count()).toBe(2);
  });

  test("all of it works with the keyboard alone", async () => {
    const userId = await signUp();
    await page.getByRole("textbox", { name: "New task" }).focus();
    await page.keyboard.type("Buy milk");
    await page.keyboard.press("Enter");
    const checkbox = page.getByRole("checkbox", { name: "Complete: Buy milk" });
    await checkbox.waitFor();
    await checkbox.focus();
    await page.keyboard.press("Space");
    await until(() => stored(userId).some((task) => task.completed));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Buy bread");
    await page.keyboard.press("Escape");
    const edit = page.getByRole("button", { name: "Edit: Buy milk" });
    await until(() => edit.evaluate((element) => element === document.activeElement));
    await page.keyboard.press("Enter");
    await page.keyboard.type("Buy bread");
    await page.keyboard.press("Enter");
    await until(() => stored(userId).some((task) => task.title === "Buy bread"));
    await page.getByRole("button", { name: "Delete: Buy bread" }).focus();
    await page.keyboard.press("Enter");
    await until(() => stored(userId).length === 0);
    const input = page.getByRole("textbox", { name: "New task" });
    expect(await input.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  test("changes show before the server has answered, also several to one new task", async () => {
    const userId = await signUp();
    backend.delay = 500;
    await addTask("Slow");
    await page.getByRole("checkbox", { name: "Complete: Slow" }).check();
    expect(stored(userId)).toHaveLength(0);
    await page.getByText("Everything is done.").waitFor();
    await until(() => stored(userId).length === 1 && stored(userId)[0]!.completed);
    expect(await items().count()).toBe(1);
  });

  test("what the server refuses is taken back, with the reason", async () => {
    const userId = await signUp();
    await addTask("Stays");
    // It shows at once; refused is what comes after it.
    await until(() => stored(userId).length === 1);
    backend.failure = { status: 503, body: { detail: "the database is away" } };
    await page.getByRole("checkbox", { name: "Complete: Stays" }).click();
    await page.getByText("the database is away").waitFor();
    await page.getByRole("checkbox", { name: "Complete: Stays", checked: false }).waitFor();
    await page.getByRole("button", { name: "Delete: Stays" }).click();
    await page.getByText("“Stays” was not deleted").waitFor();
    expect(await items().count()).toBe(1);
    await page.getByRole("textbox", { name: "New task" }).fill("Not kept");
    await page.getByRole("button", { name: "Add task" }).click();
    await page.getByText("“Not kept” was not added").waitFor();
    expect(await items().count()).toBe(1);
    expect(await page.getByRole("textbox", { name: "New task" }).inputValue()).toBe("Not kept");
    expect(stored(userId)).toHaveLength(1);
  });

  test("tasks that cannot be loaded are not shown as none", async () => {
    const userId = await signUp();
    backend.add(userId, "Still there");
    backend.failure = { status: 500, body: { detail: "broken" } };
    await page.reload();
    await page.getByText("Your tasks cannot be loaded").waitFor();
    expect(await page.getByText("A clear day").count()).toBe(0);
    backend.failure = null;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("Still there").waitFor();
  });

  test("a session that has ended leads to the sign-in", async () => {
    await signUp();
    await context.clearCookies();
    await page.getByRole("textbox", { name: "New task" }).fill("Too late");
    await page.getByRole("button", { name: "Add task" }).click();
    await page.waitForURL("**/sign-in");
  });

  for (const [name, viewport] of Object.entries(SIZES)) {
    test(`the assistant answers, changes the list, and survives a failure (${name})`, async () => {
      await open(viewport);
      await signUp();
      backend.chat = (message, userId) => ({
        status: 200,
        body: {
          reply: `Done: ${message}`,
          actions: [{ tool: "add_task", arguments: { title: "Buy milk" }, result: backend.add(userId, "Buy milk") }],
        },
      });
      await page.getByRole("button", { name: "Assistant" }).click();
      const log = page.getByRole("log");
      await page.getByRole("textbox", { name: "Message" }).fill("Please add milk");
      await page.getByRole("button", { name: "Send" }).click();
      await log.getByText("Done: Please add milk").waitFor();
      await log.getByText("Added: Buy milk").waitFor();

      backend.chat = () => ({ status: 503, body: { detail: "the model is away" } });
      await page.getByRole("textbox", { name: "Message" }).fill("And bread");
      await page.keyboard.press("Enter");
      await log.getByText("the model is away").waitFor();
      expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("And bread");

      await page.keyboard.press("Escape");
      const button = page.getByRole("button", { name: "Assistant" });
      expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
      await page.getByRole("checkbox", { name: "Complete: Buy milk" }).waitFor();
    });

    test(`no page is wider than the screen (${name})`, async () => {
      await open(viewport);
      const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
      await page.goto("/sign-up");
      expect(await fits()).toBe(true);
      await signUp();
      await addTask("a".repeat(200));
      expect(await fits()).toBe(true);
      await page.getByRole("button", { name: "Assistant" }).click();
      expect(await fits()).toBe(true);
    });
  }
});
