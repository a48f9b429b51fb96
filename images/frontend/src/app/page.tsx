import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { TodoApp } from "@/components/todo-app";
import { sessionUser } from "@/server/auth";
import { loadTasks } from "@/server/load-tasks";

export default async function HomePage() {
  const user = await sessionUser(await headers());
  if (!user) redirect("/sign-in");
  // Not awaited: the page goes out at once, and the tasks follow in the same answer.
  return <TodoApp user={user} initial={loadTasks(user.id)} />;
}
