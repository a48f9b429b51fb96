import { authenticate } from "@/server/auth-responses";

export async function POST(request: Request): Promise<Response> {
  return authenticate(request, "/sign-up/email", ["name", "email", "password"], 201);
}
