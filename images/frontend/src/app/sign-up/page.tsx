import type { Metadata } from "next";
import { AuthForm } from "@/components/auth-form";
import { redirectSignedIn } from "@/server/redirect-signed-in";

export const metadata: Metadata = { title: "Create an account" };

export default async function SignUpPage() {
  await redirectSignedIn();
  return <AuthForm mode="sign-up" />;
}
