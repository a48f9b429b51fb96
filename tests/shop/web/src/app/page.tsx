"use client";
import { load } from "@/lib/load";

export default function Page() {
  load("/api/goods"); // not "http://localhost:8000"
  return <main>Goods</main>;
}
